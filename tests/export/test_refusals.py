"""What is not good enough is named and not left there; nonsense is refused."""

import json
import shutil

import keras
import numpy as np
import onnx
import pytest
import tf2onnx

from kerastpu import export
from kerastpu.cli.main import main
from kerastpu.errors import UsageError

SHAPE = (8, 8, 3)


def error_of(capsys, *arguments, code):
    found = main(["export", *map(str, arguments)])
    stderr = capsys.readouterr().err
    assert found == code, stderr
    (line,) = (line for line in stderr.splitlines() if "error: " in line)
    assert stderr.splitlines()[-1] == line
    return line


@pytest.fixture
def file(tmp_path):
    """A small classifier without a run."""
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(3, activation="softmax")(x)
    path = tmp_path / "mine.keras"
    keras.Model(image, x, name="mine").save(path)
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "onnx,tensorrt"), ["--to", "'tensorrt'", "litert"]),
        (("--to", ","), ["--to", "none", "keras"]),
        (("--to", "onnx", "--precision", "int4"), ["--precision", "'int4'", "int8"]),
        (("--to", "keras,onnx", "--precision", "int8"), ["keras", "float32 alone"]),
        (("--to", "onnx", "--precision", "int8"), ["int8", "calibrate", "--data"]),
        (("--to", "keras", "--keep-batch-norm"), ["--keep-batch-norm", "onnx"]),
        (("--quantize", "x"), ["--quantize"]),
    ],
)
def test_wrong_words_are_refused(capsys, file, tmp_path, arguments, words):
    line = error_of(capsys, file, *arguments, "--out", tmp_path / "out", code=2)
    for word in words:
        assert word in line
    assert not (tmp_path / "out").exists()


def test_what_is_no_model_is_refused(capsys, tmp_path, sure_run):
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    shutil.copy(sure_run.workdir / "config.json", unfinished)
    (tmp_path / "empty").mkdir()
    cases = {
        tmp_path / "no.keras": "there is no file",
        tmp_path / "no": "neither a run folder nor a .keras file",
        tmp_path / "empty": "not a run folder",
        unfinished: "has not finished",
    }
    for source, words in cases.items():
        line = error_of(capsys, source, code=2)
        assert words in line and str(source) in line
    (tmp_path / "bad.keras").write_bytes(b"no archive")
    assert "not a .keras file" in error_of(capsys, tmp_path / "bad.keras", code=1)


def build(output, shape=SHAPE):
    image = keras.Input(shape)
    return keras.Model(image, output(image))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: build(keras.layers.Conv2D(2, 3)), "output must be probabilities"),
        (
            lambda: build(lambda x: keras.layers.Dense(3)(keras.layers.Flatten()(x))),
            "sum to 1",
        ),
        (lambda: build(keras.layers.Flatten(), (None, None, 3)), "fixed size"),
        (lambda: build(keras.layers.Flatten(), (8,)), "input must be images"),
        (
            lambda: build(lambda x: [keras.layers.Flatten()(x), x]),
            "one input and one output",
        ),
    ],
)
def test_what_is_no_classifier_is_refused(tmp_path, model, words):
    model().save(tmp_path / "m.keras")
    with pytest.raises(UsageError, match=words):
        export.export(tmp_path / "m.keras", formats=["onnx"])
    assert {path.name for path in tmp_path.iterdir()} == {"m.keras"}


def test_other_classes_and_other_folders_are_refused(
    capsys, file, sure_run, two_class_folder, tmp_path
):
    line = error_of(capsys, sure_run.workdir, "--data", two_class_folder, code=2)
    assert "classes are not the same" in line
    line = error_of(capsys, file, "--data", two_class_folder, code=2)
    assert "2 classes" in line and "3 outputs" in line
    line = error_of(capsys, file, "--out", file, "--to", "onnx", code=2)
    assert "--out must be a folder" in line


def test_random_pixels_are_called_so(capsys, file, tmp_path):
    code = main(["export", str(file), "--to", "onnx", "--json"])
    values = json.loads(capsys.readouterr().out)
    assert code == 0
    assert values["images"]["is_random"] and "random" in values["images"]["description"]
    assert values["reference"]["score"] is values["checks"][0]["score"] is None
    folder = tmp_path / "mine_export"
    assert "random pixels" in (folder / "parity.md").read_text("utf-8")
    assert "not known" in (folder / "model_card.md").read_text("utf-8").lower()
    assert values["model"]["class_names"] == ["0", "1", "2"]


def sabotaged(make_model):
    """Returns tf2onnx's last step with red and blue exchanged in the weights."""

    def changed(*args, **kwargs):
        model = make_model(*args, **kwargs)
        first = next(node for node in model.graph.node if node.op_type == "Conv")
        weights = {weight.name: weight for weight in model.graph.initializer}
        weight = weights[first.input[1]]  # (filters, channels, height, width)
        values = onnx.numpy_helper.to_array(weight)[:, ::-1].copy()
        weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
        return model

    return changed


def test_changed_weights_are_found(capsys, sure_run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    words = ("--to", "savedmodel,onnx", "--out", out)
    assert main(["export", str(sure_run.workdir), *map(str, words)]) == 0
    assert (out / "model.onnx").exists()
    make_model = tf2onnx.graph.Graph.make_model
    monkeypatch.setattr(tf2onnx.graph.Graph, "make_model", sabotaged(make_model))
    capsys.readouterr()
    line = error_of(capsys, sure_run.workdir, *words, code=1)
    assert "model.onnx: " in line and ("needed" in line or "allowed" in line)
    found = {path.name for path in out.iterdir()}
    assert found == {"export.json", "parity.md", "model_card.md", "saved_model"}
    assert "model.onnx FAILED" in (out / "parity.md").read_text("utf-8")
    checks = json.loads((out / "export.json").read_text("utf-8"))["checks"]
    assert [bool(check["problem"]) for check in checks] == [False, True]


def test_int8_that_cannot_tell_classes_apart_is_refused(two_class_folder, tmp_path):
    # Both classes have nearly the same large logit: 8 bits hold none of the difference.
    image = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(image, dense(x))
    dense.set_weights([np.array([[9, 9], [9, 8], [8, 9]], "float32"), np.zeros(2)])
    model.save(tmp_path / "close.keras")
    with pytest.raises(
        export.ExportError, match=r"int8.*agrees .* 98.0% is needed"
    ) as e:
        export.export(
            tmp_path / "close.keras",
            formats=["onnx"],
            precisions=["float32", "int8"],
            data=str(two_class_folder),
        )
    good, bad = e.value.result.checks
    assert not good.problem and good.agreement >= 0.999
    assert bad.agreement < 0.98
    assert (tmp_path / "close_export" / "model.onnx").exists()
    assert not (tmp_path / "close_export" / "model.int8.onnx").exists()


def test_a_missing_package_comes_with_its_pip_line(capsys, file, monkeypatch):
    import sys

    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name == "onnxruntime":
                raise ModuleNotFoundError(name)

    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Blocker(), *sys.meta_path])
    line = error_of(capsys, file, "--to", "onnx", code=1)
    assert line.endswith(
        'onnxruntime is not installed; run: pip install "kerastpu[onnx]"'
    )
