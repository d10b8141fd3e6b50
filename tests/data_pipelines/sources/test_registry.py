"""Where data is looked for: order, reasons, and no long wait without a network."""

import http.server
import socket
import threading
import time
from pathlib import Path

import pytest
from drawings import make_folder

from data_pipelines import ArrayData, cache_dir, data_dir, names, open_source, probe
from data_pipelines.errors import DataError
from data_pipelines.sources.source import from_arrays


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No data anywhere, and a network where nothing answers."""
    monkeypatch.delenv("KERASTPU_DATA", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("KERASTPU_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")


@pytest.fixture
def proxy(monkeypatch):
    """Starts a web server that answers for every host with a length."""
    servers = []

    def start(num_bytes):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.send_response(200)
                self.send_header("Content-Length", str(num_bytes))
                self.end_headers()

            def log_message(self, *args):
                pass

        servers.append(http.server.HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        port = servers[-1].server_address[1]
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_users_own_flowers_come_first(monkeypatch, tmp_path):
    make_folder(tmp_path / "data" / "flowers", {"a": 2, "b": 2})
    monkeypatch.setenv("KERASTPU_DATA", str(tmp_path / "data"))
    source = open_source("auto")
    assert (source.kind, source.is_synthetic, source.notes) == ("folder", False, ())
    assert source.name == str(tmp_path / "data" / "flowers")
    assert data_dir() == tmp_path / "data"


def test_rendered_flowers_are_the_last_resort_and_say_so(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASTPU_DATA", str(tmp_path / "nothing"))
    source = open_source("auto", num_rendered=10)
    assert (source.kind, source.is_synthetic) == ("rendered", True)
    assert len(source.examples) == 10 and len(source.class_names) == 5
    reasons = "\n".join(source.notes)
    assert f"no folder {tmp_path / 'nothing' / 'flowers'}" in reasons
    assert "TensorFlow Datasets' cache: no tf_flowers" in reasons
    assert "download.tensorflow.org: URLError" in reasons
    assert "NO REAL PHOTOS FOUND" in source.notes[-1]
    assert any(cache_dir().iterdir())
    again = open_source("rendered", num_rendered=10)
    assert again.fingerprint == source.fingerprint


def test_a_broken_place_is_passed_over_with_its_reason(monkeypatch, tmp_path):
    make_folder(tmp_path / "data" / "flowers", {"only": 2})
    monkeypatch.setenv("KERASTPU_DATA", str(tmp_path / "data"))
    source = open_source("auto", download=False, num_rendered=10)
    assert source.kind == "rendered"
    assert "only one class folder" in source.notes[0]


def test_names_are_taken_at_their_word(tmp_path):
    import numpy as np

    root = make_folder(tmp_path / "photos", {"a": 2, "b": 2})
    assert open_source(root).kind == open_source(str(root)).kind == "folder"
    arrays = ArrayData(np.zeros((2, 4, 4), np.uint8), np.array([0, 1]), ("a", "b"))
    source = open_source(arrays)
    expected = from_arrays(arrays.images, arrays.labels, arrays.class_names)
    assert source.fingerprint == expected.fingerprint
    with pytest.raises(DataError, match="does not exist"):
        open_source("no_such_folder")
    with pytest.raises(DataError, match="flowers is not to be had"):
        open_source("flowers")
    with pytest.raises(DataError, match="tfds:no_such_set is not in"):
        open_source("tfds:no_such_set", download=False)


def test_probe_says_why_each_place_is_or_is_not_there():
    places = probe()
    assert [place.reachable for place in places] == [False, False, False]
    assert "KERASTPU_DATA is not set" in places[0].why
    assert "Connection refused" in places[2].why
    assert len(probe(network=False)) == 2


def test_a_host_that_answers_is_reachable_if_it_has_the_photos(proxy):
    proxy(228_813_984)
    assert probe()[-1].reachable
    proxy(1234)
    assert not probe()[-1].reachable
    assert "1234 bytes" in probe()[-1].why


def test_a_host_that_never_answers_is_given_up_soon(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        start = time.perf_counter()
        place = probe()[-1]
        assert time.perf_counter() - start < 4
    assert not place.reachable
    assert "timed out" in place.why or "no answer" in place.why


def test_the_cache_follows_the_platform_unless_named(monkeypatch, tmp_path):
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("KERASTPU_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "kerastpu"


def test_the_documentation_tells_of_every_name():
    text = Path("docs/data_sources.md").read_text("utf-8")
    assert all(f"`{name}`" in text for name in names())
