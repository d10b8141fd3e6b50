"""ConvTranspose, as Conv1DTranspose to Conv3DTranspose, one for each group."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerastpu.importers import windows
from kerastpu.importers.attributes import integers
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.convolution import channels_last_axes
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import Tensor, channels_last

_LAYERS = {
    1: (keras.layers.Conv1DTranspose, keras.layers.Cropping1D),
    2: (keras.layers.Conv2DTranspose, keras.layers.Cropping2D),
    3: (keras.layers.Conv3DTranspose, keras.layers.Cropping3D),
}
_MOST_GROUPS = 1024


def _convert(call: Call) -> Tensor:
    tensor, kernel, bias = call.tensor(), call.weight(1), call.constant(2)
    group, rank = call.attributes["group"], tensor.rank - 2
    if kernel.ndim != tensor.rank or rank not in _LAYERS or not kernel.size:
        raise UnsupportedError(f"its weights have the shape {list(kernel.shape)}")
    if tensor.size(1) != kernel.shape[0] or not 1 <= group <= _MOST_GROUPS:
        raise UnsupportedError(
            f"weights {list(kernel.shape)} in {group} groups do not fit "
            f"{tensor.size(1)} channels"
        )
    filters = kernel.shape[1] * group
    if kernel.shape[0] % group or (bias is not None and bias.shape != (filters,)):
        raise UnsupportedError("its groups or its bias do not fit its weights")
    size = kernel.shape[2:]
    strides = windows.numbers("strides", call.attributes["strides"], rank, 1)
    extra = windows.numbers(
        "output_padding", call.attributes["output_padding"], rank, 0
    )
    if any(step != 1 for step in call.attributes["dilations"] or ()):
        raise UnsupportedError("dilations are not supported")
    if any(e and e >= s for e, s in zip(extra, strides, strict=True)):
        raise UnsupportedError("output_padding must be smaller than strides")
    lengths = [tensor.size(axis) for axis in range(2, tensor.rank)]
    pads = _pads(call, lengths, size, strides, extra)
    data = call.arrange(tensor, channels_last(tensor.rank))
    # What is put on at the end beyond what is cut off there.
    more = [max(e - end, 0) for e, (_, end) in zip(extra, pads, strict=True)]
    options = {
        "kernel_size": size,
        "strides": strides,
        "padding": "valid",
        "output_padding": more if rank > 1 else more[0],
        "use_bias": bias is not None,
    }
    data = _grouped(call, data, kernel, bias, group, options)
    crop = [
        (begin, max(end - e, 0)) for e, (begin, end) in zip(extra, pads, strict=True)
    ]
    if np.any(crop):
        cropping = crop if rank > 1 else crop[0]
        data = call.layer(_LAYERS[rank][1], data, suffix="crop", cropping=cropping)
    return Tensor(data, channels_last_axes(tensor.rank))


def _grouped(
    call: Call,
    data: Any,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    group: int,
    options: dict[str, Any],
) -> Any:
    """Makes the layer, or one for each group and their concatenation."""
    rank = kernel.ndim - 2
    parts = [data] if group == 1 else keras.ops.split(data, group, axis=-1)
    biases = [None] * group if bias is None else np.split(bias, group)
    results = []
    for index, (part, weights, own) in enumerate(
        zip(parts, np.split(kernel, group), biases, strict=True)
    ):
        array = weights.transpose(*range(2, rank + 2), 1, 0)
        results.append(
            call.layer(
                _LAYERS[rank][0],
                part,
                [array] if own is None else [array, own],
                suffix=f"group_{index}" if group > 1 else "",
                filters=kernel.shape[1],
                **options,
            )
        )
    if group == 1:
        return results[0]
    return call.layer(keras.layers.Concatenate, results, axis=-1)


def _pads(
    call: Call, lengths: Any, size: Any, strides: Any, extra: Any
) -> list[tuple[int, int]]:
    """Returns what is cut off at both ends of each axis."""
    rank, mode = len(size), call.attributes["auto_pad"]
    shape = call.attributes["output_shape"]
    if shape is not None and len(shape) in (rank, rank + 2):
        wanted = list(shape)[-rank:]
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [n and n * step for n, step in zip(lengths, strides, strict=True)]
    else:
        given = None if mode == "VALID" else call.attributes["pads"]
        flat = windows.numbers("pads", given, 2 * rank, 0)
        return list(zip(flat[:rank], flat[rank:], strict=True))
    if None in wanted or None in lengths:
        raise UnsupportedError("its output depends on a size that is not known")
    pads = []
    for n, k, step, e, target in zip(
        lengths, size, strides, extra, wanted, strict=True
    ):
        total = step * (n - 1) + e + k - target
        if total < 0:
            raise UnsupportedError("its output_shape is larger than what it makes")
        small, large = total // 2, total - total // 2
        pads.append((small, large) if mode == "SAME_UPPER" else (large, small))
    return pads


OPERATORS = {
    "ConvTranspose": Operator(
        _convert,
        windows.ATTRIBUTES
        | windows.dilations()
        | windows.group()
        | {"output_padding": integers(), "output_shape": integers()},
        3,
    )
}
