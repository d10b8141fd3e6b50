"""Published weights: found where they lie, downloaded whole or not at all."""

import dataclasses
import hashlib
import http.server
import importlib
import inspect
import os
import pkgutil
import re
import threading
import urllib.request
from pathlib import Path

import keras
import numpy as np
import pytest

from kerastpu import models, pretrained
from kerastpu.errors import KerastpuError
from kerastpu.pretrained import downloads
from kerastpu.pretrained.downloads import Download

DATA = os.environ.get("KERASTPU_DATA")
CONTENT = bytes(range(256)) * 16
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; less of it, or nothing more, where the path says so."""

    def do_GET(self):  # the name that the library calls
        if "absent" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if "stalls" in self.path:
            self.server.is_over.wait(30)
        elif "breaks" in self.path:
            self.wfile.write(CONTENT[:100])
        else:
            self.wfile.write(CONTENT)

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.is_over = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.is_over.set()
        server.shutdown()


@pytest.fixture(autouse=True)
def keras_home(tmp_path, monkeypatch):
    """An empty cache of Keras, no other folder of data, and no way out."""
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    # Python keeps the proxies of the first download of a process.
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("KERASTPU_DATA", raising=False)
    return tmp_path / "keras"


def everything_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_download_lands_in_the_cache_of_keras_and_is_not_repeated(server, keras_home):
    download = Download("weights.h5", f"{server}/published.h5", DIGEST)
    host = server.removeprefix("http://")
    assert download.availability() == (False, f"downloads from {host}")
    path = download.fetch()
    assert path == keras_home / "models" / "weights.h5"
    assert path.read_bytes() == CONTENT
    assert everything_in(keras_home) == ["weights.h5"]
    assert download.availability() == (True, "in the Keras cache")
    gone = dataclasses.replace(download, url=f"{server}/absent")
    assert gone.fetch() == path


@pytest.mark.parametrize(
    ("file", "digest", "reason"),
    [
        ("breaks", DIGEST, "100 of 4096 bytes|100 bytes read"),
        ("stalls", DIGEST, "timed out"),
        ("absent", DIGEST, "404"),
        ("other", hashlib.sha256(b"").hexdigest(), f"its checksum is {DIGEST}, not"),
    ],
)
def test_a_failed_download_leaves_nothing_and_says_what_to_do(
    file, digest, reason, server, keras_home, monkeypatch
):
    monkeypatch.setattr(downloads, "_TIMEOUT", 0.5)
    url = f"{server}/{file}"
    with pytest.raises(KerastpuError, match=reason) as caught:
        Download("weights.h5", url, digest).fetch()
    message = str(caught.value)
    assert message.startswith(f"cannot download {url}: ") and "\n" not in message
    assert f"put that file into {keras_home / 'models'} as weights.h5" in message
    assert everything_in(keras_home) == []


def test_a_network_without_a_way_out_names_address_and_folder(keras_home):
    source = pretrained.KERAS_IMAGENET["mobilenet_v3_small"]
    with pytest.raises(KerastpuError) as caught:
        models.build(
            "mobilenet_v3_small",
            input_shape=(32, 32, 3),
            include_top=False,
            weights="imagenet",
        )
    message = str(caught.value)
    assert source.backbone.url in message and source.backbone.file in message
    assert str(keras_home / "models") in message and "refused" in message
    assert everything_in(keras_home) == []


def test_a_file_that_is_not_what_was_published_is_refused(keras_home):
    (keras_home / "models").mkdir(parents=True)
    path = keras_home / "models" / "weights.h5"
    path.write_bytes(b"something else")
    with pytest.raises(KerastpuError, match=r"weights\.h5: checksum is .*delete the"):
        Download("weights.h5", "http://127.0.0.1/", DIGEST).fetch()


def test_the_folder_of_data_comes_before_the_cache(tmp_path, monkeypatch):
    file = pretrained.SQUEEZENET_V11.download.file
    monkeypatch.setenv("KERASTPU_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "weights").mkdir(parents=True)
    path = tmp_path / "data" / "weights" / file
    path.touch()
    assert pretrained.SQUEEZENET_V11.availability() == (True, str(path))


def test_a_file_in_the_cache_is_the_imagenet_of_a_network_of_keras(keras_home):
    source = pretrained.KERAS_IMAGENET["mobilenet"]
    assert source.availability().text == "downloads from storage.googleapis.com"
    network = keras.applications.MobileNet(
        input_shape=(32, 32, 3), include_top=False, weights=None, pooling="avg"
    )
    (keras_home / "models").mkdir(parents=True)
    network.save(keras_home / "models" / source.backbone.file)
    text = "in the Keras cache, without the classifier"
    assert source.availability() == (True, text)
    options = {"input_shape": (64, 32, 3), "weights": "imagenet"}
    backbone = models.build("mobilenet", **options, include_top=False)
    classifier = models.build("mobilenet", **options, num_classes=4)
    for model in (backbone, classifier):
        for found, expected in zip(model.weights, network.weights, strict=False):
            np.testing.assert_array_equal(found, expected)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3))
    scaled = keras.applications.mobilenet.preprocess_input(images.astype("float32"))
    expected = keras.ops.convert_to_numpy(network(scaled, training=False))
    bare = models.build(
        "mobilenet", input_shape=(32, 32, 3), weights="imagenet", include_top=False
    )
    found = keras.ops.convert_to_numpy(bare(images, training=False))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_names_and_checksums_are_those_in_the_source_of_keras():
    package = keras.src.applications
    source = "".join(
        inspect.getsource(importlib.import_module(f"{package.__name__}.{module.name}"))
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.endswith("_test")
    )
    known = set(re.findall(r'"([0-9a-f]{32}|[0-9a-f]{64})"', source))
    files = [
        file
        for weights in pretrained.KERAS_IMAGENET.values()
        for file in (weights.whole, weights.backbone)
    ]
    digests = [file.digest for file in files if file.digest]
    assert set(digests) <= known and len(digests) == len(set(digests)) == 76
    assert {file.file[:12] for file in files if not file.digest} == {
        "mobilenet_1_",
        "mobilenet_v2",
    }


def test_the_squeezenet_file_is_the_published_one(monkeypatch):
    if not DATA:
        pytest.skip("KERASTPU_DATA is not set")
    monkeypatch.setenv("KERASTPU_DATA", DATA)
    path = pretrained.SQUEEZENET_V11.download.fetch()
    assert path.parent == Path(DATA) / "weights"
