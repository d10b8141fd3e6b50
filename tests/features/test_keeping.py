"""Features are computed once, whoever is killed on the way."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import data_pipelines
from kerastpu import features
from kerastpu.features import engines, keeping

SIZE = 32


@pytest.fixture(scope="module")
def manifest(flower_folder, tmp_path_factory):
    source = data_pipelines.open_source(str(flower_folder))
    return data_pipelines.prepare(source, tmp_path_factory.mktemp("kept") / "shards")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTPU_CACHE", str(tmp_path / "cache"))
    return features.features_root()


def build(layers=1):
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((SIZE, SIZE, 3))
    for _ in range(layers):
        x = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def views_of(manifest, seed=0):
    for view in (0, 1):
        batches = data_pipelines.ViewBatches(
            manifest, "train", image_size=SIZE, batch_size=8, seed=seed, view=view
        )
        yield features.View(f"train-view-{view}", batches)


def keep_views(manifest, model, **options):
    options = {"images": {"size": SIZE}, "engine": "keras"} | options
    return features.keep(model, list(views_of(manifest)), **options)


def missing(manifest, model, **options):
    options = {"images": {"size": SIZE}, "engine": "keras"} | options
    return features.missing(model, list(views_of(manifest)), **options)


def keep(manifest, model, **options):
    return keep_views(manifest, model, **options).arrays


@pytest.mark.parametrize("engine", ["keras", "onnx"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_they_are_what_the_network_gives_in_the_order_of_the_split(
    manifest, root, engine, dtype
):
    model = build()
    kept = keep(manifest, model, engine=engine, dtype=dtype)
    tolerance = 1e-3 if dtype == "float16" else 1e-5
    for rows, view in zip(kept, views_of(manifest), strict=True):
        images = np.concatenate([batch for batch, _ in view.batches])
        expected = model.predict(images, verbose=0)
        assert rows.dtype == dtype
        np.testing.assert_allclose(rows, expected, rtol=tolerance, atol=tolerance)
    assert not np.array_equal(*kept)


def test_a_second_run_computes_nothing(manifest, root, monkeypatch):
    first = keep_views(manifest, build())
    assert first.computed == sum(map(len, first.arrays))
    monkeypatch.setattr(engines, "start", None)
    second = keep_views(manifest, build())
    assert (second.computed, second.engine) == (0, "keras")
    for old, new in zip(first.arrays, second.arrays, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_view_that_is_missing_is_all_that_is_computed(manifest, root):
    first = keep_views(manifest, build())
    assert missing(manifest, build()) == 0
    next(root.rglob("train-view-1.npy")).unlink()
    assert missing(manifest, build()) == len(first.arrays[1])
    again = keep_views(manifest, build())
    assert again.computed == len(first.arrays[1])
    np.testing.assert_array_equal(first.arrays[1], again.arrays[1])


def test_other_networks_images_engines_and_formats_have_files_of_their_own(
    manifest, root
):
    keep(manifest, build())
    keep(manifest, build(layers=2))
    keep(manifest, build(), images={"size": SIZE, "color": "gray"})
    keep(manifest, build(), engine="onnx")
    keep(manifest, build(), dtype="float16")
    assert len(list(root.iterdir())) == 5


def main(folder):
    """Keeps the features of a slow network, in a process that is to be killed."""
    keep(data_pipelines.load_manifest(folder), build(layers=12))


def start(manifest):
    return subprocess.Popen([sys.executable, __file__, str(manifest.directory)])


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_bytes(manifest, root):
    start(manifest).wait(timeout=120)
    whole = {path.name: path.read_bytes() for path in root.rglob("*.npy")}
    assert len(whole) == 2
    shutil.rmtree(root)
    for _ in range(3):
        process, size = start(manifest), sum_of_sizes(root)
        deadline = time.monotonic() + 60
        while sum_of_sizes(root) <= size and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    start(manifest).wait(timeout=120)
    found = {path.name: path.read_bytes() for path in root.rglob("*.npy")}
    assert found == whole
    left = {path.name for path in root.rglob("*") if path.is_file()}
    assert left == {*whole, keeping.CONTENT_FILE}


def sum_of_sizes(root):
    return sum(path.stat().st_size for path in root.rglob("*.np*"))


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    main(Path(sys.argv[1]))
