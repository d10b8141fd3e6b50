"""Runs an ONNX file by ONNX Runtime; `parity` does so in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np


def outputs_of(model: str | bytes, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns what a file returns.

    Args:
        model: Path of the file, or its content.
        given: Its inputs, as it wants them.

    Raises:
        Exception: whatever ONNX Runtime raises.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )
    names = [value.name for value in session.get_inputs()]
    made: Any = session.run(None, dict(zip(names, given, strict=True)))
    return [np.asarray(array, np.float32) for array in made]


def run(model: str, inputs: str, outputs: str) -> None:
    """Runs a file on the arrays of `inputs`; prints what is wrong and exits with 1."""
    with np.load(inputs) as file:
        given = [file[name] for name in file.files]
    try:
        made = outputs_of(model, given)
    except Exception as error:  # noqa: BLE001 (its classes are not public)
        print(" ".join(str(error).split())[:300] or type(error).__name__)
        sys.exit(1)
    np.savez(outputs, *made)
