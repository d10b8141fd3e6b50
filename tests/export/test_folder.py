"""The export folder is replaced whole; what is not of an export stays."""

import json

import keras
import numpy as np
import onnxruntime
import pytest

from data_pipelines.shards import lock
from kerastpu import export
from kerastpu.errors import UsageError
from kerastpu.export import staging


@pytest.fixture
def file(tmp_path):
    """A small classifier whose layers compute in bfloat16."""
    image = keras.Input((8, 9, 1))
    x = keras.layers.Rescaling(1 / 255, dtype="float32")(image)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(4, activation="relu", dtype="mixed_bfloat16")(x)
    x = keras.layers.Dense(3, activation="softmax", dtype="float32")(x)
    path = tmp_path / "half.keras"
    keras.Model(image, x).save(path)
    return path


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_an_export_replaces_the_one_before_and_nothing_else(file, tmp_path):
    out = tmp_path / "out"
    (out / "saved_model").mkdir(parents=True)
    (out / ".999999999.export").mkdir()
    for name in ("model.tflite", "notes.txt", "saved_model/old", ".999999999.export/x"):
        (out / name).write_text("old")
    result = export.export(file, out, formats=["onnx"])
    papers = {"export.json", "parity.md", "model_card.md", "score.py"}
    assert names(out) == {"model.onnx", "notes.txt", *papers}
    assert result.folder == out


def test_short_layers_compute_in_float32_and_it_is_told(file, tmp_path):
    result = export.export(file, formats=["onnx"])
    assert result.source["policy"] == "mixed_bfloat16"
    assert "mixed_bfloat16" in (tmp_path / "half_export" / "parity.md").read_text()
    model = keras.saving.load_model(file)
    first, second = (layer for layer in model.layers if layer.weights)
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 9, 1), np.uint8)
    (w1, b1), (w2, b2) = first.get_weights(), second.get_weights()
    hidden = np.maximum(images.reshape(6, -1) / 255 @ w1 + b1, 0)
    logits = hidden @ w2 + b2
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    session = onnxruntime.InferenceSession(result.folder / "model.onnx")
    (found,) = session.run(None, {"image": images})
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_two_do_not_export_to_one_folder(file, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with lock.hold(out / ".lock"), pytest.raises(UsageError, match="another process"):
        export.export(file, out, formats=["onnx"])
    assert names(out) == set()


def test_what_breaks_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), staging.stage(tmp_path / "new") as place:
        (place / "half").write_text("half")
        assert 1 / 0
    assert names(tmp_path) == set()


def test_what_breaks_leaves_the_export_before(file, tmp_path):
    out = tmp_path / "out"
    export.export(file, out, formats=["onnx"])
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(ZeroDivisionError), staging.stage(out):
        assert 1 / 0
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    checks = json.loads((out / "export.json").read_text())["checks"]
    assert [check["file"] for check in checks] == ["model.onnx"]
