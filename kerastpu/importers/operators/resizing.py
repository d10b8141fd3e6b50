"""Resize and Upsample: an upsampling or resizing layer, else a matrix for each axis."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerastpu.importers import limits
from kerastpu.importers.attributes import integer, integers, real, reals, text
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators import interpolation
from kerastpu.importers.operators.operator import Operator
from kerastpu.importers.values import BATCH, Tensor, channels_last

_MAX_MATRIX = 1 << 22
_AXES = "abcdefgh"


def _resize(call: Call) -> Tensor:
    tensor = call.tensor()
    settings = call.attributes
    is_old = call.opset < 11
    options = {
        "mode": settings["mode"],
        "coordinates": "asymmetric"
        if is_old
        else settings["coordinate_transformation_mode"],
        "rounding": "floor" if is_old else settings["nearest_mode"],
        "cubic_coefficient": settings["cubic_coeff_a"],
        "excludes_outside": bool(settings["exclude_outside"]),
    }
    scales = call.constant(1 if is_old else 2)
    if scales is None and settings["scales"] is not None:
        scales = np.asarray(settings["scales"], np.float32)
    targets = None if is_old else call.integers(3)
    axes = list(settings["axes"] or range(tensor.rank))
    if any(not -tensor.rank <= axis < tensor.rank for axis in axes):
        raise UnsupportedError(f"there are not all of axes {axes}")
    wanted = targets if scales is None or not scales.size else scales.reshape(-1)
    if wanted is None or len(wanted) != len(axes):
        raise UnsupportedError(
            f"it needs a scale or a size for each of {len(axes)} axes"
        )
    matrices = {}
    for axis, number in zip(axes, wanted, strict=True):
        made = _matrix(
            call, tensor, axis % tensor.rank, number, wanted is targets, options
        )
        if made is not None:
            matrices[axis % tensor.rank] = made
    return _apply(call, tensor, matrices)


def _matrix(
    call: Call,
    tensor: Tensor,
    axis: int,
    number: Any,
    is_size: bool,
    options: dict[str, Any],
) -> np.ndarray | None:
    """Returns the matrix of an axis; None if it stays as it is."""
    size = tensor.size(axis)
    if (not is_size and number == 1) or (is_size and number == size):
        return None
    if axis == tensor.batch_axis and is_size:
        if number in call.sizes.batch:
            return None
        raise UnsupportedError("it resizes the batch")
    if size is None:
        raise UnsupportedError("it resizes an axis whose size is not known")
    if not 0 < number <= limits.MAX_KERNEL * 16:
        raise UnsupportedError(f"it resizes by or to {number:g}")
    new = int(number) if is_size else int(np.floor(size * np.float64(number)))
    scale = new / size if is_size else float(number)
    if size * new > _MAX_MATRIX:
        raise UnsupportedError(f"it resizes {size:,} elements to {new:,}")
    return interpolation.matrix(size, new, scale, **options)


def _apply(call: Call, tensor: Tensor, matrices: dict[int, np.ndarray]) -> Tensor:
    """Makes the layer that does the same as these matrices."""
    if not matrices:
        return tensor
    if tensor.rank == 4 and set(matrices) <= {2, 3} and tensor.batch_axis == 0:
        data = call.arrange(tensor, channels_last(4))
        pair = [matrices.get(2), matrices.get(3)]
        sizes = [
            np.eye(size, dtype=np.float32) if made is None else made
            for made, size in zip(pair, data.shape[1:3], strict=True)
            if made is not None or size is not None
        ]
        if len(sizes) == 2:
            layer = _layer(call, sizes)
            if layer is not None:
                axes = ((0,), (3,), (1,), (2,))
                return Tensor(layer(data), axes)
    tensor = call.settle(tensor, list(matrices))
    for axis, made in matrices.items():
        place, rank = tensor.stored_axis(axis), len(tensor.data.shape)
        if place == BATCH:
            raise UnsupportedError("it resizes the batch")
        letters = _AXES[:rank]
        changed = letters.replace(letters[place], "z")
        equation = f"{letters},z{letters[place]}->{changed}"
        tensor = tensor.with_data(keras.ops.einsum(equation, tensor.data, made))
    return tensor


def _layer(call: Call, matrices: list[np.ndarray]) -> keras.layers.Layer | None:
    """Returns the stock layer that these matrices are; None if there is none."""
    old = [matrix.shape[1] for matrix in matrices]
    new = [matrix.shape[0] for matrix in matrices]
    if all(n % o == 0 for n, o in zip(new, old, strict=True)):
        factors = [n // o for n, o in zip(new, old, strict=True)]
        repeated = [
            np.repeat(np.eye(o, dtype=np.float32), f, 0)
            for o, f in zip(old, factors, strict=True)
        ]
        if all(map(np.array_equal, matrices, repeated)):
            return keras.layers.UpSampling2D(tuple(factors), name=call.name())
    plain = [
        interpolation.matrix(
            o, n, n / o, mode="linear", coordinates="half_pixel", rounding="floor"
        )
        for o, n in zip(old, new, strict=True)
    ]
    if all(np.allclose(a, b, atol=1e-6) for a, b in zip(matrices, plain, strict=True)):
        return keras.layers.Resizing(*new, interpolation="bilinear", name=call.name())
    return None


_ATTRIBUTES = {
    "antialias": integer(0, 0),
    "axes": integers(),
    "coordinate_transformation_mode": text("half_pixel", *interpolation.COORDINATES),
    "cubic_coeff_a": real(-0.75),
    "exclude_outside": integer(0, 0, 1),
    "extrapolation_value": real(0.0),
    "keep_aspect_ratio_policy": text("stretch", "stretch"),
    "mode": text("nearest", *interpolation.MODES),
    "nearest_mode": text("round_prefer_floor", *interpolation.ROUNDING),
    "scales": reals(),
}
OPERATORS = {
    "Resize": Operator(_resize, _ATTRIBUTES, 4),
    "Upsample": Operator(_resize, _ATTRIBUTES, 2),
}
