"""The command `kerastpu import`."""

import json

import keras
import numpy as np
import pytest

from kerastpu.cli.main import main
from kerastpu.importers import parity
from tests.importers.graphs import network, normal, write

X = ("n", 3, 12, 10)


@pytest.fixture
def path(tmp_path):
    nodes = [
        ("Conv", "x k c", "a", {"strides": [2, 2]}),
        ("Relu", "a", "b", {}),
        ("GlobalAveragePool", "b", "d", {}),
        ("Flatten", "d", "e", {}),
        ("Gemm", "e w", "y", {}),
    ]
    weights = {"k": normal(4, 3, 3, 3), "c": normal(4), "w": normal(4, 2)}
    return write(tmp_path, network(nodes, {"x": X}, weights=weights))


def test_a_file_becomes_a_model(path, tmp_path, capsys):
    target = tmp_path / "model.keras"
    assert main(["import", str(path), "--to", str(target)]) == 0
    printed = capsys.readouterr().out
    for words in ("opset 18", "(any, 12, 10, 3)", "120 parameters", "ONNX Runtime"):
        assert words in printed
    model = keras.models.load_model(target)
    assert model.output_shape == (None, 2)


def test_what_is_printed_for_programs(path, tmp_path, capsys):
    target = tmp_path / "model.keras"
    words = ["--scale", "0.01", "--offset", "0.1", "0.2", "0.3", "--channel-order"]
    command = ["import", str(path), "--to", str(target), *words, "bgr", "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["inputs"] == [{"name": "x", "shape": [None, 12, 10, 3]}]
    assert told["parameters"] == 120
    assert 0 <= told["max_difference"] <= told["tolerance"]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 12, 10, 3), np.uint8)
    assert main(["import", str(path), "--to", str(tmp_path / "plain.keras")]) == 0
    plain = keras.models.load_model(tmp_path / "plain.keras")
    scaled = pixels[..., ::-1].astype(np.float32) * 0.01 - (0.1, 0.2, 0.3)
    np.testing.assert_allclose(
        keras.models.load_model(target)(pixels), plain(scaled), atol=1e-5
    )


def test_a_model_that_differs_is_not_written(path, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    target = tmp_path / "model.keras"
    assert main(["import", str(path), "--to", str(target)]) == 1
    assert "differ by" in capsys.readouterr().err
    assert sorted(item.name for item in tmp_path.iterdir()) == [path.name]


def test_each_unsupported_node_is_a_line(tmp_path, capsys):
    nodes = [
        ("NonZero", "x", "a", {}),
        ("Einsum", "x x", "b", {}),
        ("Add", "a b", "y", {}),
    ]
    path = write(tmp_path, network(nodes, {"x": X}))
    assert main(["import", str(path), "--to", str(tmp_path / "m.keras")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        *("nonzero_0 (NonZero)", "einsum_1 (Einsum)", "kerastpu"),
    ]


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["{path}", "--to", "model.h5"], 2, "--to"),
        (["{path}"], 2, "--to"),
        (["{path}", "--to", "m.keras", "--channel-order", "gray"], 2, "channel-order"),
        (["none.onnx", "--to", "m.keras"], 1, "none.onnx"),
    ],
)
def test_wrong_usage_and_failed_jobs(words, code, named, path, capsys):
    command = [word.replace("{path}", str(path)) for word in words]
    assert main(["import", *command]) == code
    assert named in capsys.readouterr().err
