"""Compares an imported model with ONNX Runtime, which runs the file it comes from.

ONNX Runtime is native code and the file may be hostile, so it runs in a process of its
own, with a time limit.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerastpu import optional
from kerastpu.errors import KerastpuError
from kerastpu.importers.importing import Imported

TOLERANCE = 1e-4
_BATCH = 2
_UNKNOWN_SIZE = 64  # where the file leaves a size open; each next one is larger
_MAX_INPUT_ELEMENTS = 1 << 27
_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Parity:
    """How far a model and ONNX Runtime are apart.

    Attributes:
        difference: Largest absolute difference between numbers that come out.
        largest: Largest absolute number that comes out.
        tolerance: The largest difference that is allowed, by `largest` or by 1.
    """

    difference: float
    largest: float
    tolerance: float

    @property
    def is_close(self) -> bool:
        """Whether the difference is allowed; False where a number is not finite."""
        return bool(self.difference <= self.tolerance * max(1.0, self.largest))


def measure(imported: Imported, path: Path, seed: int = 0) -> Parity:
    """Compares both on random input.

    Args:
        imported: The model, just imported.
        path: The file.
        seed: Of the random input: pixels 0..255 where the model scales them or the file
            takes integers, else numbers of mean 0 and variance 1.

    Raises:
        KerastpuError: ONNX Runtime refuses the file, crashes, or takes too long; or the
            input would be too large.
        MissingExtraError: onnxruntime is not installed.
    """
    optional.require("onnxruntime")
    given = draw(imported, seed)
    made = imported.model(given if len(given) > 1 else given[0], training=False)
    made = made if isinstance(made, (list, tuple)) else [made]
    own = [np.asarray(array) for array in made]
    wanted = _run_apart(path, to_onnx(imported, given))
    return compare(imported, own, wanted)


def compare(
    imported: Imported, own: Sequence[np.ndarray], wanted: Sequence[np.ndarray]
) -> Parity:
    """Compares what the model returns with what ONNX returns.

    Args:
        imported: The model.
        own: Its outputs.
        wanted: Outputs of ONNX, in ONNX's order of axes.

    Raises:
        KerastpuError: their shapes differ.
    """
    differences, sizes = [0.0], [0.0]
    for mine, theirs, order in zip(own, wanted, imported.output_orders, strict=True):
        moved = theirs.transpose(order) if len(order) == theirs.ndim else theirs
        if moved.shape != mine.shape:
            raise KerastpuError(
                f"the model returns {mine.shape}, ONNX Runtime {moved.shape}"
            )
        if not moved.size:
            continue
        differences.append(float(np.max(np.abs(mine - moved))))
        sizes.append(float(np.max(np.abs(moved))))
    return Parity(float(np.max(differences)), float(np.max(sizes)), TOLERANCE)


def draw(imported: Imported, seed: int) -> list[np.ndarray]:
    """Returns random inputs in the model's order of axes, float32."""
    random = np.random.default_rng(seed)
    arrays = []
    for value, order in zip(imported.graph.inputs, imported.input_orders, strict=True):
        unknown = iter(range(_UNKNOWN_SIZE, 2 * _UNKNOWN_SIZE, 8))
        batch = value.shape[order[0]] or _BATCH
        rest = [value.shape[axis] or next(unknown) for axis in order[1:]]
        shape = (batch, *rest)
        if np.prod(shape, dtype=np.float64) > _MAX_INPUT_ELEMENTS:
            raise KerastpuError(
                f"input {value.name!r} of shape {shape} is too large to be compared"
            )
        if _takes_pixels(imported, value.dtype):
            arrays.append(random.integers(0, 256, shape).astype(np.float32))
        else:
            arrays.append(random.standard_normal(shape, np.float32))
    return arrays


def _takes_pixels(imported: Imported, dtype: str) -> bool:
    import keras

    if imported.preprocessing is not None or "int" in dtype:
        return True
    layers = imported.model.layers
    return any(isinstance(layer, keras.layers.Rescaling) for layer in layers[:3])


def to_onnx(imported: Imported, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns inputs as the file wants them.

    Args:
        imported: The model.
        given: Its inputs.

    Returns:
        The same in ONNX's order of axes and type; what the model does first to pixels,
        because the file does not, is done.
    """
    arrays = []
    for array, value, order in zip(
        given, imported.graph.inputs, imported.input_orders, strict=True
    ):
        if imported.preprocessing is not None:
            array = imported.preprocessing.on_array(array)
        dtype = {"float": "float32", "double": "float64"}.get(value.dtype, value.dtype)
        arrays.append(array.transpose(np.argsort(order)).astype(dtype))
    return arrays


def _run_apart(path: Path, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Runs the file in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(inputs, *given)
        command = [sys.executable, "-P", "-c", _CODE, str(Path(__file__).parents[2])]
        try:
            done = subprocess.run(
                [*command, str(path.resolve()), str(inputs), str(outputs)],
                env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise KerastpuError(f"{path}: ONNX Runtime comes to no end") from None
        if done.returncode == 1 and done.stdout:
            reason = done.stdout.strip()
            raise KerastpuError(f"{path}: ONNX Runtime refuses it: {reason}")
        if done.returncode:
            raise KerastpuError(
                f"{path}: ONNX Runtime ends a process with {done.returncode}"
            )
        with np.load(outputs) as file:
            return [file[name] for name in file.files]


_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from kerastpu.importers import runtime; runtime.run(*sys.argv[2:])"
)
