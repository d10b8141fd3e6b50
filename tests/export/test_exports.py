"""Every format and precision of one run: same answers, named ends, any batch."""

import json
import zipfile

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

import data_pipelines
from kerastpu import datasets, export
from kerastpu.export import half, targets
from kerastpu.version import VERSION

SHAPE = (48, 48, 3)
ONNX = (
    *("model.onnx", "model.float16.onnx", "model.float16_compute.onnx"),
    "model.int8.onnx",
)
LITERT = ("model.tflite", "model.float16.tflite", "model.int8.tflite")


@pytest.fixture(scope="module")
def images(sure_run):
    """The run's test images, and the model's probabilities."""
    manifest = datasets.prepare(sure_run.config)
    images, _ = data_pipelines.as_arrays(manifest, "test", SHAPE[0])
    return images, sure_run.load_model().predict(images, verbose=0)


def interpreter(path):
    return tf.lite.Interpreter(str(path))


def test_all_are_there_and_good(exported, sure_run):
    assert exported.folder == sure_run.workdir / "export"
    files = {target.file for target in targets.ALL}
    assert [check.file for check in exported.checks] == [t.file for t in targets.ALL]
    papers = {"export.json", "parity.md", "model_card.md", "score.py"}
    assert {path.name for path in exported.folder.iterdir()} == files | papers
    for check in exported.checks:
        assert check.agreement >= check.needed == targets.MIN_AGREEMENT[check.precision]
        assert check.num_bytes > 1000
        low, high = check.score.interval
        assert low < check.score.accuracy < high or check.score.accuracy in (low, high)
        assert set(check.latency_ms) == {1, 32} and min(check.latency_ms.values()) > 0


def test_the_reference_is_the_score_of_the_run(exported, sure_run):
    assert exported.reference.score.accuracy == pytest.approx(sure_run.accuracy)
    assert list(exported.reference.score.interval) == pytest.approx(
        sure_run.result["test"]["interval"]
    )


def test_the_json_is_the_result(exported):
    values = json.loads((exported.folder / "export.json").read_text("utf-8"))
    again = export.ExportResult.from_dict(values)
    assert json.loads(json.dumps(again.to_dict())) == values
    assert (again.checks, again.reference) == (exported.checks, exported.reference)


def test_float32_is_the_model_to_the_last_digits(exported, images):
    pixels, wanted = images
    for check in exported.checks:
        if check.precision == "float32":
            assert check.max_difference <= 1e-5, check.file
    session = onnxruntime.InferenceSession(exported.folder / "model.onnx")
    (found,) = session.run(["probabilities"], {"image": pixels})
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", ONNX)
def test_onnx_takes_uint8_in_any_number_and_names_its_classes(
    exported, sure_run, images, name
):
    session = onnxruntime.InferenceSession(exported.folder / name)
    (taken,), (given) = session.get_inputs(), session.get_outputs()[0]
    assert (taken.name, taken.type) == ("image", "tensor(uint8)")
    assert taken.shape == ["N", *SHAPE]
    assert (given.name, given.type, given.shape) == (
        *("probabilities", "tensor(float)"),
        ["N", 3],
    )
    together = session.run(None, {"image": images[0][:7]})[0]
    apart = [session.run(None, {"image": image[None]})[0] for image in images[0][:7]]
    np.testing.assert_allclose(np.concatenate(apart), together, atol=1e-5)
    kept = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(kept["class_names"])) == sure_run.class_names
    assert kept["kerastpu"] == VERSION
    assert (kept["model"], kept["preset"]) == ("convnet", "tiny")
    assert json.loads(kept["image_size"]) == [48, 48]
    assert "0..255" in kept["preprocessing"]
    wanted = {"model.onnx": "float32"}.get(name, name.split(".")[1])
    assert kept["precision"] == wanted


@pytest.mark.parametrize("name", LITERT)
def test_litert_takes_uint8_in_any_number_and_names_its_classes(
    exported, sure_run, images, name
):
    litert = interpreter(exported.folder / name)
    (taken,), (given,) = litert.get_input_details(), litert.get_output_details()
    assert (taken["dtype"], given["dtype"]) == (np.uint8, np.float32)
    assert taken["shape_signature"].tolist() == [-1, *SHAPE]
    signature = litert.get_signature_list()["serve"]
    assert signature == {"inputs": ["image"], "outputs": ["probabilities"]}
    litert.resize_tensor_input(taken["index"], (7, *SHAPE))
    litert.allocate_tensors()
    litert.set_tensor(taken["index"], images[0][:7])
    litert.invoke()
    together = litert.get_tensor(given["index"])
    assert together.shape == (7, 3)
    runner = litert.get_signature_runner("serve")
    apart = [runner(image=image[None])["probabilities"] for image in images[0][:7]]
    np.testing.assert_allclose(np.concatenate(apart), together, atol=1e-2)
    with zipfile.ZipFile(exported.folder / name) as archive:
        kept = json.loads(archive.read("kerastpu.json"))
    assert tuple(kept["class_names"]) == sure_run.class_names
    assert kept["kerastpu"] == VERSION


def test_saved_model_serves_by_name(exported, sure_run, images):
    path = exported.folder / "saved_model"
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    (spec,) = served.structured_input_signature[1].values()
    assert (spec.name, spec.dtype, spec.shape.as_list()) == (
        *("image", tf.uint8),
        [None, *SHAPE],
    )
    found = served(image=tf.constant(images[0][:3]))
    np.testing.assert_allclose(found["probabilities"], images[1][:3], atol=1e-5)
    stored = sum(file.stat().st_size for file in (path / "variables").iterdir())
    assert stored < 1.5 * 4 * exported.source["parameters"]  # each weight once
    kept = json.loads((path / "assets.extra" / "kerastpu.json").read_text("ascii"))
    assert tuple(kept["class_names"]) == sure_run.class_names


def test_keras_file_is_plain_and_names_its_classes(exported, sure_run, images):
    path = exported.folder / "model.keras"
    found = keras.saving.load_model(path).predict(images[0], verbose=0)
    np.testing.assert_allclose(found, images[1], atol=1e-6)
    with zipfile.ZipFile(path) as archive:
        kept = json.loads(archive.read("kerastpu.json"))
    assert tuple(kept["class_names"]) == sure_run.class_names
    assert (kept["kerastpu"], kept["precision"]) == (VERSION, "float32")


def bytes_of_weights(path, kind):
    model = onnx.load(path)
    weights = [onnx.numpy_helper.to_array(w) for w in model.graph.initializer]
    return sum(w.nbytes for w in weights if w.dtype == kind and w.size > 32)


def test_short_formats_are_short_inside(exported):
    folder = exported.folder
    whole = bytes_of_weights(folder / "model.onnx", np.float32)
    computing = bytes_of_weights(folder / "model.float16_compute.onnx", np.float16)
    quarter = bytes_of_weights(folder / "model.int8.onnx", np.int8)
    assert (computing, quarter) == (whole / 2, whole / 4)
    path = folder / "model.float16.onnx"
    stored = [bytes_of_weights(path, kind) for kind in (np.float16, np.float32)]
    assert 2 * stored[0] + stored[1] == whole
    assert stored[1] <= half.KEPT * whole
    assert not bytes_of_weights(folder / "model.int8.onnx", np.float32)
    sizes = [(folder / name).stat().st_size for name in LITERT]
    assert sizes[0] > 1.6 * sizes[1] > 1.6 * 1.3 * sizes[2]
    for check in exported.checks:
        assert (check.int8 is None) == (check.precision != "int8")
        if check.int8:
            done, total = check.int8
            assert done == total > 3


def test_int8_activations_are_int8(exported):
    litert = interpreter(exported.folder / "model.int8.tflite")
    kinds = [
        detail["dtype"]
        for detail in litert.get_tensor_details()
        if len(detail["shape"]) == 4 and detail["shape"][0] == 1
    ]
    # uint8 pixels, the same as float32, scaled: float32; all maps after that int8.
    assert kinds.count(np.int8) > kinds.count(np.float32)
