"""Corrects the biases of int8 LiteRT files, see `bias_correction`."""

from __future__ import annotations

import warnings
from collections.abc import Collection

import numpy as np

from kerastpu.export import bias_correction
from kerastpu.export.litert_graph import Graph

DEPTHWISE = "DEPTHWISE_CONV_2D"
LAYERS = ("CONV_2D", DEPTHWISE, "FULLY_CONNECTED")


def correct(quantized: bytes, exact: bytes, images: np.ndarray) -> bytes:
    """Returns an int8 file with other biases.

    Layers that have none, or whose weights are not constants in int8, stay.

    Args:
        quantized: The int8 file.
        exact: The float32 file that the same converter makes of the same model.
        images: uint8 (M, height, width, channels) of the training split.
    """
    graph, before = Graph(quantized), Graph(exact)
    same = {before.name(layer): layer for layer in before.operators(LAYERS)}
    pairs = [
        (layer, same[graph.name(layer)])
        for layer in graph.operators(LAYERS)
        if graph.name(layer) in same
    ]
    means = channel_means(exact, {old.inputs[0] for _, old in pairs}, images)
    for layer, old in pairs:
        weights, rounded = before.constant(old, 1), graph.constant(layer, 1)
        bias = graph.constant(layer, 2)
        if weights is None or rounded is None or bias is None:
            continue
        if rounded.dtype != np.int8 or rounded.shape != weights.shape:
            continue
        given = means[old.inputs[0]]
        taken, kernel = (
            graph.tensors[number].quantization for number in layer.inputs[:2]
        )
        scales = np.broadcast_to(kernel.scale, bias.shape).astype(np.float64)
        is_depthwise = graph.kind(layer) == DEPTHWISE
        parts = [_by_output(array, is_depthwise) for array in (weights, rounded)]
        # Summed over the filter, as if no map had a border.
        lost = (parts[0] - parts[1] * scales[:, None, None]).sum(axis=1)
        if len(given) % lost.shape[1]:
            continue  # a dense layer that flattens maps itself
        shift = bias_correction.shift(lost, given)
        steps = np.round(shift / (taken.scale[0] * scales))
        graph.replace(layer, 2, (bias + steps).astype(np.int32))
    return graph.to_bytes()


def _by_output(kernel: np.ndarray, is_depthwise: bool) -> np.ndarray:
    """Returns weights as float64 (outputs, places in the filter, inputs of a group)."""
    if is_depthwise:  # (1, height, width, outputs)
        kernel = np.moveaxis(kernel, 3, 0)[..., None]
    return kernel.reshape(len(kernel), -1, kernel.shape[-1]).astype(np.float64)


def channel_means(
    data: bytes, numbers: Collection[int], images: np.ndarray
) -> dict[int, np.ndarray]:
    """Returns float64 (channels,) for each numbered tensor of a float32 file."""
    import tensorflow as tf

    with warnings.catch_warnings():  # that the class is to move to another package
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(
            model_content=data, experimental_preserve_all_tensors=True
        )
    interpreter.allocate_tensors()
    (taken,) = interpreter.get_input_details()
    sums = dict.fromkeys(numbers, np.zeros(()))
    for image in images:
        interpreter.set_tensor(taken["index"], image[None])
        interpreter.invoke()
        for number in numbers:
            value = interpreter.get_tensor(number)
            maps = value.reshape(-1, value.shape[-1]).astype(np.float64)
            sums[number] = sums[number] + maps.mean(axis=0)
    return {number: total / len(images) for number, total in sums.items()}
