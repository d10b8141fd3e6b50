"""Makes up for what rounded weights add to a layer's outputs on average.

Rounding shifts the mean of a channel, by the error of its weights times the mean of its
inputs; the shift is taken from the bias (Nagel et al. 2019, Data-Free Quantization
Through Weight Equalization and Bias Correction, section 4.2, with measured means).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

LAYERS = ("Conv", "Gemm")
# Attributes of a Gemm that is a dense layer, x @ weights + bias, by ONNX's defaults.
DENSE = {"alpha": 1.0, "beta": 1.0, "transA": 0}


def correct(
    model: onnx.ModelProto,
    feeds: Iterable[Mapping[str, np.ndarray]],
    *,
    levels: int,
    excluded: Sequence[str] = (),
) -> None:
    """Changes the biases of a float32 model whose weights are going to be rounded.

    Layers without a bias, and a Gemm that is not a dense layer (alpha, beta, transA),
    stay as they are.

    Args:
        model: Changed in place.
        feeds: Inputs that go in when it is used.
        levels: Weights of an output channel are rounded to -levels..levels times their
            largest magnitude / levels.
        excluded: Names of nodes whose weights stay.
    """
    import onnx

    constants = {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
    }
    nodes = [
        node
        for node in model.graph.node
        if node.op_type in LAYERS
        and node.name not in excluded
        and len(node.input) == 3
        and {*node.input[1:]} <= constants.keys()
        and DENSE.items() <= (DENSE | _attributes(node)).items()
    ]
    if not nodes:
        return
    means = channel_means(model, sorted({node.input[0] for node in nodes}), feeds)
    for node in nodes:
        given, kernel, bias = node.input
        settings = _attributes(node)
        weights = constants[kernel].astype(np.float64)
        if node.op_type == "Gemm" and not settings.get("transB"):
            weights = weights.T
        weights = weights.reshape(*weights.shape[:2], -1)
        # Summed over the filter, as if no map had a border.
        lost = (weights - rounded(weights, levels)).sum(axis=2)
        before = constants[bias]
        change = shift(lost, means[given]).reshape(before.shape)
        after = (before + change).astype(np.float32)
        # A name of its own, as equal biases of several layers may be one constant.
        node.input[2] = f"{node.output[0]}/corrected_bias"
        model.graph.initializer.append(
            onnx.numpy_helper.from_array(after, node.input[2])
        )


def shift(lost: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Returns what rounding takes from the mean of each output of a layer.

    Args:
        lost: (outputs, inputs of a group), what the weights lose by rounding, summed
            over the filter.
        means: (inputs,), of all groups.
    """
    groups = len(means) // lost.shape[1]
    parts = lost.reshape(groups, -1, lost.shape[1])
    return np.einsum("goi,gi->go", parts, means.reshape(groups, -1)).ravel()


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    import onnx

    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def rounded(weights: np.ndarray, levels: int) -> np.ndarray:
    """Returns weights (outputs, ...) as they are after rounding, by output channel."""
    largest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    step = np.where(largest, largest / levels, 1)
    return np.round(weights / step) * step


def channel_means(
    model: onnx.ModelProto,
    names: Sequence[str],
    feeds: Iterable[Mapping[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Returns float64 (channels,) for each of the named values of a model."""
    import onnx
    import onnxruntime

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    shown = {value.name for value in watched.graph.output}
    watched.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names if name not in shown
    )
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    sums, count = dict.fromkeys(names, np.zeros(())), 0
    for feed in feeds:
        values = session.run(list(names), dict(feed))
        for name, value in zip(names, values, strict=True):
            maps = value.reshape(*value.shape[:2], -1).astype(np.float64)
            sums[name] = sums[name] + maps.mean(axis=2).sum(axis=0)
        count += len(value)
    return {name: total / count for name, total in sums.items()}
