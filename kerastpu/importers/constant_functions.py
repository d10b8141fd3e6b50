"""What operators do to constants, in NumPy: shapes, axes, fillings.

Each function gets the arrays and the settings of a node; what can grow beyond its
inputs asks the budget first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kerastpu.importers import limits
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.limits import Budget

Arrays = Sequence[np.ndarray]
Settings = Mapping[str, Any]


def _integers(arrays: Arrays, index: int, given: Any = None) -> list[int] | None:
    """Returns integers that are an attribute or an input."""
    if given is not None:
        return [int(number) for number in given]
    if index >= len(arrays) or arrays[index] is None:
        return None
    return [int(number) for number in np.atleast_1d(arrays[index])]


def _elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function of arrays that broadcast."""

    def fold_elements(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
        budget.spend(np.broadcast_shapes(*(array.shape for array in arrays)))
        return functools.reduce(function, arrays)

    return fold_elements


def _of_one(function: Callable[[np.ndarray], Any]) -> Callable[..., Any]:
    """Makes a function of one array, which keeps its type."""

    def fold_elements(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
        budget.spend(arrays[0].shape)
        return np.asarray(function(arrays[0])).astype(arrays[0].dtype)

    return fold_elements


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Integers are cut towards zero."""
    if a.dtype.kind in "iu":
        if not np.all(b):
            raise UnsupportedError("it divides by zero")
        return (np.sign(a) * np.sign(b) * (abs(a) // abs(b))).astype(a.dtype)
    return a / b


def _cast(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    import onnx

    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(settings["to"]))
    except KeyError:
        raise UnsupportedError(f"there is no type {settings['to']}") from None
    budget.spend(arrays[0].shape)
    return arrays[0].astype(dtype if dtype.isbuiltin == 1 else np.float32)


def _filled(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    value = settings["value"]
    value = np.zeros(1, np.float32) if value is None else value.reshape(-1)
    return np.full(budget.spend(_integers(arrays, 0) or ()), value[0])


def _expand(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    wanted = tuple(_integers(arrays, 1) or ())
    limits.num_elements(wanted, limits.MAX_COMPUTED_ELEMENTS, "what it computes")
    shape = budget.spend(np.broadcast_shapes(arrays[0].shape, wanted))
    return np.broadcast_to(arrays[0], shape)


def _range(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    start, stop, step = (array.reshape(-1)[0] for array in arrays)
    count = max(int(np.ceil((stop - start) / step)), 0)
    budget.spend([count])
    return (start + np.arange(count) * step).astype(arrays[0].dtype)


def _tile(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    repeats = _integers(arrays, 1) or []
    budget.spend([a * b for a, b in zip(arrays[0].shape, repeats, strict=True)])
    return np.tile(arrays[0], repeats)


def _gather(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    data, indices = arrays
    axis = settings["axis"]
    rest = [size for i, size in enumerate(data.shape) if i != axis % data.ndim]
    budget.spend([*rest, *indices.shape][: limits.MAX_RANK])
    return np.take(data, indices, axis=axis)


def _slice(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    starts = _integers(arrays, 1, settings["starts"]) or []
    stops = _integers(arrays, 2, settings["ends"]) or []
    axes = _integers(arrays, 3, settings["axes"]) or list(range(len(starts)))
    steps = _integers(arrays, 4) or [1] * len(starts)
    index = [slice(None)] * arrays[0].ndim
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        index[axis] = slice_of(arrays[0].shape[axis], start, stop, step)
    return arrays[0][tuple(index)]


def slice_of(size: int, start: int, stop: int, step: int) -> slice:
    """Returns Python's slice for one of ONNX, whose ends lie beyond any size.

    Raises:
        UnsupportedError: the step is zero.
    """
    if not step:
        raise UnsupportedError("its step is zero")
    start, stop = (n + size if n < 0 else n for n in (start, stop))
    if step > 0:
        return slice(min(max(start, 0), size), min(max(stop, 0), size), step)
    start, stop = min(max(start, 0), size - 1), min(max(stop, -1), size - 1)
    return slice(start, None if stop < 0 else stop, step)


def _reshape(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    shape = [
        arrays[0].shape[axis] if not size and not settings["allowzero"] else size
        for axis, size in enumerate(_integers(arrays, 1, settings["shape"]) or [])
    ]
    return arrays[0].reshape(shape)


def _unsqueeze(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    axes = _integers(arrays, 1, settings["axes"]) or []
    return np.expand_dims(arrays[0], tuple(axes))


def _squeeze(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    axes = _integers(arrays, 1, settings["axes"])
    return np.squeeze(arrays[0], None if axes is None else tuple(axes))


def _concat(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    budget.spend([sum(array.size for array in arrays)])
    return np.concatenate(arrays, axis=settings["axis"])


def _constant(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    kinds = {"value_float": np.float32, "value_floats": np.float32}
    for name, value in settings.items():
        if value is not None:
            if name == "value":
                return value
            return np.asarray(value, kinds.get(name, np.int64))
    raise UnsupportedError("it has no value")


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def fold_reduced(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
        axes = _integers(arrays, 1, settings["axes"])
        if not axes and settings.get("noop_with_empty_axes"):
            return arrays[0]
        made = function(
            arrays[0],
            axis=tuple(axes) if axes else None,
            keepdims=bool(settings["keepdims"]),
        )
        return np.asarray(made).astype(arrays[0].dtype)

    return fold_reduced


def _where(arrays: Arrays, settings: Settings, budget: Budget) -> Any:
    budget.spend(np.broadcast_shapes(*(array.shape for array in arrays)))
    return np.where(*arrays)


FUNCTIONS: Mapping[str, Callable[[Arrays, Settings, Budget], Any]] = {
    "Abs": _of_one(np.abs),
    "Add": _elementwise(np.add),
    "Cast": _cast,
    "Ceil": _of_one(np.ceil),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Div": _elementwise(_divide),
    "Equal": _elementwise(np.equal),
    "Exp": _of_one(np.exp),
    "Expand": _expand,
    "Floor": _of_one(np.floor),
    "Gather": _gather,
    "Greater": _elementwise(np.greater),
    "Identity": lambda arrays, settings, budget: arrays[0],
    "Less": _elementwise(np.less),
    "Max": _elementwise(np.maximum),
    "Min": _elementwise(np.minimum),
    "Mul": _elementwise(np.multiply),
    "Neg": _of_one(np.negative),
    "Pow": _elementwise(np.power),
    "Range": _range,
    "Reciprocal": _of_one(lambda array: 1 / array),
    "ReduceMax": _reduction(np.max),
    "ReduceMean": _reduction(np.mean),
    "ReduceMin": _reduction(np.min),
    "ReduceProd": _reduction(np.prod),
    "ReduceSum": _reduction(np.sum),
    "Reshape": _reshape,
    "Shape": lambda arrays, settings, budget: np.asarray(
        arrays[0].shape[settings["start"] : settings["end"]], np.int64
    ),
    "Size": lambda arrays, settings, budget: np.asarray(arrays[0].size),
    "Slice": _slice,
    "Sqrt": _of_one(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Sum": _elementwise(np.add),
    "Tile": _tile,
    "Transpose": lambda arrays, settings, budget: arrays[0].transpose(settings["perm"]),
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
