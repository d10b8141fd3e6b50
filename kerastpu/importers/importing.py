"""From an ONNX file to a Keras model: `import_onnx`."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from kerastpu.errors import UsageError
from kerastpu.importers import building, inputs, reading
from kerastpu.importers.graph import Graph
from kerastpu.models.preprocessing import Channels, Preprocessing

if TYPE_CHECKING:
    import keras

ChannelOrder = Literal["rgb", "bgr"]


@dataclasses.dataclass(frozen=True)
class Imported:
    """A model and what is known of the file that it comes from.

    Attributes:
        model: Keras model, uncompiled: float32 in, float32 out, batches of any size.
        graph: What was read.
        preprocessing: What the model does to pixels that ONNX did not; or None.
        input_orders: For each input, the axes of ONNX in the order of the model.
        output_orders: Likewise for each output.
    """

    model: keras.Model
    graph: Graph
    preprocessing: Preprocessing | None
    input_orders: tuple[tuple[int, ...], ...]
    output_orders: tuple[tuple[int, ...], ...]


def import_onnx(
    path: str | os.PathLike[str],
    *,
    scale: float | None = None,
    offset: float | Sequence[float] | None = None,
    channel_order: ChannelOrder = "rgb",
) -> keras.Model:
    """Makes a trainable Keras model of an ONNX file.

    The model is functional, of stock layers, channels last throughout, and loads where
    kerastpu is absent. Its layers have the names of the nodes. Images go in as (batch,
    height, width, channels), series as (batch, time, features); what comes out has the
    same order.

    `scale`, `offset` and `channel_order` put layers in front, so that pixels can go in:
    the network gets x * scale - offset, as the input layer of SAS Deep Learning has it.

    Args:
        path: An ONNX file; weights may lie in other files of its folder.
        scale: Factor of each pixel; None: 1.
        offset: Subtracted after that: one number, or one for each channel, in the
            order in which the network takes them; None: 0.
        channel_order: "bgr": the network takes blue, green, red, and images come as
            red, green, blue: their channels are reversed first.

    Returns:
        An uncompiled model: float32 in, float32 out, batches of any size.

    Raises:
        UsageError: an argument is out of range, or does not fit the input.
        UnsupportedModelError: lists all nodes that cannot be imported.
        KerastpuError: there is no such file, it is damaged, or not ONNX.
        MissingExtraError: onnx is not installed.
    """
    return convert(path, scale=scale, offset=offset, channel_order=channel_order).model


def convert(
    path: str | os.PathLike[str],
    *,
    scale: float | None = None,
    offset: float | Sequence[float] | None = None,
    channel_order: ChannelOrder = "rgb",
) -> Imported:
    """Makes the model, and tells what is known of the file; see `import_onnx`."""
    if channel_order not in ("rgb", "bgr"):
        raise UsageError(f"channel_order must be rgb or bgr; got {channel_order!r}")
    _check_number("scale", scale)
    for number in offset if isinstance(offset, Sequence) else (offset,):
        _check_number("offset", number)
    graph = reading.read(Path(path).expanduser())
    preprocessing = None
    if scale is not None or offset is not None or channel_order == "bgr":
        preprocessing = _preprocessing(graph, scale, offset, channel_order)
    built = building.build(graph, preprocessing)
    return Imported(
        built.model, graph, preprocessing, built.input_orders, built.output_orders
    )


def _check_number(name: str, number: float | None) -> None:
    if number is not None and not math.isfinite(number):
        raise UsageError(f"{name} must be a finite number; got {number}")


def _preprocessing(
    graph: Graph,
    scale: float | None,
    offset: float | Sequence[float] | None,
    channel_order: ChannelOrder,
) -> Preprocessing:
    """Returns what is done to the pixels first."""
    first = graph.inputs[0]
    order = inputs.order(graph, first)
    if len(graph.inputs) > 1 or len(order) != 4:
        raise UsageError(
            "scale, offset and channel_order are for networks with one input of "
            f"images; this one has {len(graph.inputs)} inputs, the first with "
            f"{len(order)} axes"
        )
    channels = first.shape[order[-1]]
    if channel_order == "bgr" and channels != 3:
        raise UsageError(
            f"channel_order bgr needs 3 channels; the input has {channels}"
        )
    numbers: Channels = 0.0
    if isinstance(offset, Sequence):
        if len(offset) not in (1, channels):
            raise UsageError(
                f"offset must be one number or {channels}, one for each channel; "
                f"got {len(offset)}"
            )
        negated = tuple(float(-number) for number in np.asarray(offset))
        numbers = negated if len(negated) > 1 else negated[0]
    elif offset is not None:
        numbers = -float(offset)
    factor = 1.0 if scale is None else float(scale)
    words = "x * scale - offset" + (", BGR" if channel_order == "bgr" else "")
    return Preprocessing(words, factor, numbers, channel_order == "bgr")
