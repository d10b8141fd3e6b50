"""The weights of a model, or of a file of weights, one variable at a time."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerastpu.pretrained import hdf5, probe
from kerastpu.pretrained.filling import StoredLayer
from kerastpu.summaries.calls import Call, read_calls

if TYPE_CHECKING:
    import keras


# Columns of a table of numbers; the index is that of the flat array.
VALUE_COLUMNS = ("layer", "variable", "index", "value")
# Some rows of one variable in such a table: (layer, variable), indices, values.
Part = tuple[tuple[str, str], np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class StoredVariable:
    """One array of weights, which may still lie in a file.

    Attributes:
        layer: Name of its layer; within a model inside the model "backbone/conv1".
        name: Its own name, such as "kernel", or its number in the file.
        read: Returns its values, in the type that they are stored in.
    """

    layer: str
    name: str
    read: Callable[[], np.ndarray]


@dataclasses.dataclass(frozen=True)
class VariableStatistics:
    """A row of the table of variables; figures are None for one without numbers.

    Attributes:
        layer: As in `StoredVariable`.
        variable: Its name.
        shape: Of its array.
        dtype: Of its numbers.
        number: How many they are.
        mean: Of them, computed in float64, as are the others.
        std: Standard deviation, of the whole and not of a sample.
        min: The least.
        max: The greatest.
        norm: Square root of the sum of their squares.
    """

    layer: str
    variable: str
    shape: tuple[int, ...]
    dtype: str
    number: int
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    norm: float | None


def of_model(model: keras.Model) -> list[StoredVariable]:
    """Lists all weights of a model, BatchNorm statistics included.

    Args:
        model: Functional or Sequential, built; models inside it are taken apart.

    Raises:
        UsageError: it has no graph to read.
    """
    return [variable for variable, _ in with_variables(model)]


def with_variables(
    model: keras.Model,
) -> list[tuple[StoredVariable, keras.Variable]]:
    """Returns each weight of a model as `of_model` does, and the variable itself."""
    return [
        (
            StoredVariable(call.name, _own_name(call, variable), _reader(variable)),
            variable,
        )
        for call in read_calls(model)
        for variable in call.weights
    ]


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[list[StoredVariable]]:
    """Opens a file of weights; while it is open, its variables can be read.

    Args:
        path: See `kerastpu.pretrained.hdf5.open_layers`; tried in another process
            first.

    Raises:
        KerastpuError: there is no such file, it is no file of weights, or damaged.
    """
    probe.check(path)
    with hdf5.open_layers(path) as layers:
        yield [
            StoredVariable(layer.name, key, _file_reader(layer, place))
            for layer in layers
            for place, key in enumerate(layer.keys)
        ]


def describe(variables: Sequence[StoredVariable]) -> list[VariableStatistics]:
    """Reads the variables, one after the other, and sums each up."""
    return [_describe(variable) for variable in variables]


def _describe(variable: StoredVariable) -> VariableStatistics:
    values = variable.read()
    numbers = values.astype(np.float64).ravel()
    figures: tuple[float | None, ...] = (None,) * 5
    if numbers.size:
        with np.errstate(all="ignore"):  # infinite numbers have no mean
            figures = (
                *(float(numbers.mean()), float(numbers.std())),
                *(float(numbers.min()), float(numbers.max())),
                float(np.linalg.norm(numbers)),
            )
    return VariableStatistics(
        variable.layer,
        variable.name,
        tuple(values.shape),
        str(values.dtype),
        values.size,
        *figures,
    )


def _own_name(call: Call, variable: keras.Variable) -> str:
    """Returns the path of a variable within its layer: "kernel", "query/kernel"."""
    _, found, rest = f"/{variable.path}".partition(f"/{call.layer.name}/")
    return rest if found else variable.name


def _reader(variable: keras.Variable) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        import keras

        return np.asarray(keras.ops.convert_to_numpy(variable))

    return read


def _file_reader(layer: StoredLayer, place: int) -> Callable[[], np.ndarray]:
    return lambda: layer.read()[place]
