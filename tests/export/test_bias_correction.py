"""With corrected biases, rounded weights leave the mean of every channel as it was."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from kerastpu.export import bias_correction

LEVELS = 7  # coarse, so that the shift is plain


def network():
    """Two convolutions, one of them of two groups, with one bias, and a dense layer."""
    random = np.random.default_rng(0)
    arrays = {
        "kernel_1": random.normal(size=(6, 3, 3, 3)),
        "kernel_2": random.normal(size=(6, 3, 2, 2)),
        "bias": random.normal(size=6),
        "kernel_3": random.normal(size=(6, 4)),
        "bias_3": random.normal(size=4),
        "dead": np.zeros((6, 6, 1, 1)),
    }
    nodes = [
        helper.make_node("Conv", ["image", "kernel_1", "bias"], ["a"], "first"),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "kernel_2", "bias"], ["c"], "second", group=2),
        helper.make_node("Conv", ["c", "dead", "bias"], ["d"], "dead"),
        helper.make_node("Add", ["c", "d"], ["e"]),
        helper.make_node("GlobalAveragePool", ["e"], ["f"]),
        helper.make_node("Flatten", ["f"], ["g"]),
        helper.make_node("Gemm", ["g", "kernel_3", "bias_3"], ["h"], "third"),
    ]
    shapes = {"image": ["N", 3, 9, 8], "a": None, "c": None, "h": None}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    }
    graph = helper.make_graph(
        nodes,
        "toy",
        [values.pop("image")],
        list(values.values()),
        [numpy_helper.from_array(a.astype(np.float32), n) for n, a in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def with_rounded_weights(model, names):
    rounded = onnx.ModelProto()
    rounded.CopyFrom(model)
    for tensor in rounded.graph.initializer:
        if tensor.name in names:
            weights = numpy_helper.to_array(tensor)
            if weights.ndim == 2:
                kept = bias_correction.rounded(weights.T, LEVELS).T
            else:
                kept = bias_correction.rounded(weights, LEVELS)
            kept = kept.astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(kept, tensor.name))
    return rounded


def means(model, images):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    values = session.run(["a", "c", "h"], {"image": images})
    return [v.reshape(*v.shape[:2], -1).mean(axis=(0, 2)) for v in values]


def test_each_layer_keeps_the_means_of_its_channels():
    images = np.random.default_rng(1).normal(1, 1, (16, 3, 9, 8)).astype(np.float32)
    feeds = [{"image": images[:8]}, {"image": images[8:]}]
    for index, kernel in enumerate(["kernel_1", "kernel_2", "kernel_3"]):
        node = ("first", "second", "third")[index]
        others = {"first", "second", "third", "dead"} - {node}
        model = network()
        wanted = means(model, images)[index]
        plain = means(with_rounded_weights(model, [kernel]), images)[index]
        bias_correction.correct(model, feeds, levels=LEVELS, excluded=list(others))
        found = means(with_rounded_weights(model, [kernel]), images)[index]
        assert np.abs(plain - wanted).max() > 1e-2
        # A filter does not see the whole map: its mean is not quite the map's.
        assert np.abs(found - wanted).max() < 0.4 * np.abs(plain - wanted).max()


def test_weights_that_are_exact_leave_all_biases():
    model = network()
    exact = with_rounded_weights(model, ["kernel_1", "kernel_2", "kernel_3"])
    images = np.random.default_rng(1).normal(1, 1, (8, 3, 9, 8)).astype(np.float32)
    wanted = means(exact, images)
    bias_correction.correct(exact, [{"image": images}], levels=LEVELS)
    for before, after in zip(wanted, means(exact, images), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-5)


def test_a_model_without_such_layers_stays():
    model = network()
    before = model.SerializeToString()
    names = [node.name for node in model.graph.node]
    bias_correction.correct(model, [], levels=LEVELS, excluded=names)
    assert model.SerializeToString() == before


@pytest.mark.parametrize("settings", [{"alpha": 2.0}, {"beta": 0.5}, {"beta": 0.0}])
def test_a_gemm_that_is_no_dense_layer_stays(settings):
    model = network()
    gemm = model.graph.node[-1]
    for name, value in settings.items():
        gemm.attribute.append(helper.make_attribute(name, value))
    images = np.random.default_rng(1).normal(1, 1, (8, 3, 9, 8)).astype(np.float32)
    bias_correction.correct(model, [{"image": images}], levels=LEVELS)
    assert gemm.input[2] == "bias_3"
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert all(node.input[2].endswith("corrected_bias") for node in convolutions)
