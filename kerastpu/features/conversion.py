"""A Keras model as ONNX, by tf2onnx.

tf2onnx reads TensorFlow graphs, so on another backend a process of its own converts the
saved model: `python -m kerastpu.features.conversion FROM.keras TO.onnx DTYPE IN OUT
[keep-batch-norm]`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kerastpu.errors import KerastpuError
from kerastpu.features import batch_norm, tf2onnx_steps

if TYPE_CHECKING:
    import keras

INPUT, OUTPUT = "inputs", "outputs"

_KEEP = "keep-batch-norm"


def to_onnx(
    model: keras.Model,
    dtype: str,
    names: tuple[str, str] = (INPUT, OUTPUT),
    *,
    keep_batch_norm: bool = False,
) -> bytes:
    """Converts `model` in inference mode.

    Args:
        model: One input, one output (batch, ...); on another backend than TensorFlow
            it must load in plain Keras.
        dtype: Of the inputs, "uint8" say.
        names: What input and output are called in the graph.
        keep_batch_norm: Leaves BatchNorm of maps an operation of its own; else it
            disappears in the convolution before, which is faster.

    Returns:
        The serialized model: inputs -> float32, for batches of any size.

    Raises:
        KerastpuError: another process was to convert it and could not.
        Exception: whatever tf2onnx raises.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        return _convert(model, dtype, names, keep_batch_norm)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "model.keras"), Path(folder, "model.onnx")
        model.save(source)
        command = [sys.executable, "-m", __name__, str(source), str(target), dtype]
        command += [*names, *([_KEEP] if keep_batch_norm else [])]
        environment = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
        done = subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True
        )
        if done.returncode:
            words = done.stderr.strip().splitlines() or ["it said nothing"]
            raise KerastpuError(f"conversion to ONNX failed: {words[-1]}")
        return target.read_bytes()


def _convert(
    model: keras.Model, dtype: str, names: Sequence[str], keep_batch_norm: bool
) -> bytes:
    kept = batch_norm.kept_apart(model) if keep_batch_norm else contextlib.nullcontext()
    with kept:
        content = tf2onnx_steps.convert(model, dtype, names)
    gc.collect()  # graphs hold themselves, with all weights
    return content


def _main(
    source: str, target: str, dtype: str, taken: str, given: str, *kept: str
) -> None:
    import keras

    model = keras.models.load_model(source, compile=False)
    Path(target).write_bytes(_convert(model, dtype, (taken, given), _KEEP in kept))


if __name__ == "__main__":
    _main(*sys.argv[1:])
