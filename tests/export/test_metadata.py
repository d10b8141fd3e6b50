"""What goes into a file comes out of it, whatever it is called."""

import json

import onnx
import onnxruntime
from hypothesis import given, settings
from hypothesis import strategies as st

from kerastpu.export import onnx_file
from kerastpu.export.metadata import Metadata, describe_pixels

NAMES = st.lists(st.text(max_size=20), min_size=2, max_size=6, unique=True)


def cast():
    """Returns the smallest graph from image to probabilities."""
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Cast", ["image"], ["probabilities"], to=1)
    shape = ("x", 2)
    graph = onnx.helper.make_graph(
        [node],
        "cast",
        [value("image", onnx.TensorProto.UINT8, shape)],
        [value("probabilities", onnx.TensorProto.FLOAT, shape)],
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)


@settings(max_examples=30, deadline=None)
@given(NAMES, st.integers(1, 9), st.sampled_from([1, 3]), st.none() | st.text())
def test_metadata_survive_an_onnx_file(names, side, channels, preset):
    metadata = Metadata(
        class_names=tuple(names),
        model="net",
        preset=preset,
        image_size=(side, side + 1),
        channels=channels,
        precision="int8",
        preprocessing=describe_pixels((side, side + 1), channels),
        kerastpu="1.2.3",
    )
    model = onnx_file.finish(cast(), metadata)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    kept = session.get_modelmeta().custom_metadata_map
    assert session.get_inputs()[0].shape[0] == "N"
    assert tuple(json.loads(kept["class_names"])) == metadata.class_names
    assert tuple(json.loads(kept["image_size"])) == metadata.image_size
    assert json.loads(kept["channels"]) == channels
    assert kept["kerastpu"] == "1.2.3" and kept["precision"] == "int8"
    assert (json.loads(kept["preset"]) if preset is None else kept["preset"]) == preset
    values = json.loads(metadata.to_json())
    values["class_names"] = tuple(values["class_names"])
    values["image_size"] = tuple(values["image_size"])
    assert Metadata(**values) == metadata
