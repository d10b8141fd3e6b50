"""Each kind of export in the runtime that it is for, on the CPU, with all its cores."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from kerastpu import doctor, optional, runs
from kerastpu.errors import KerastpuError
from kerastpu.export import plain_keras
from kerastpu.export.metadata import INPUT, OUTPUT
from kerastpu.export.saved_model import SIGNATURE

Call = Callable[[np.ndarray], np.ndarray]
"""uint8 images (B, H, W, C) -> float32 probabilities (B, classes)."""


@contextlib.contextmanager
def opened(kind: str, path: Path) -> Iterator[Call]:
    """Yields what runs the export at `path`, of the format `kind`.

    Raises:
        KerastpuError: the runtime refuses it, or gave up while the block ran.
    """
    try:
        with _OPENERS[kind](path) as call:
            yield call
    except KerastpuError:
        raise
    # Each raises what it likes, ONNX Runtime even bare subclasses of Exception.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0]
        raise KerastpuError(f"{describe(kind)} cannot run it: {reason}") from error


def describe(kind: str) -> str:
    """Returns the runtime of a format, with its version."""
    name, package = {
        "keras": ("Keras", "keras"),
        "savedmodel": ("TensorFlow", "tensorflow"),
        "onnx": ("ONNX Runtime", "onnxruntime"),
        "litert": ("LiteRT of TensorFlow", "tensorflow"),
    }[kind]
    return f"{name} {importlib.metadata.version(package)}"


def environment() -> dict[str, Any]:
    """Returns versions and machine, as a run records them."""
    found = runs.environment()
    for name in ("onnx", "onnxruntime", "tf2onnx"):
        if optional.is_installed(name):
            found["packages"][name] = importlib.metadata.version(name)
    return found | {"processor": doctor.processor()}


@contextlib.contextmanager
def _keras(path: Path) -> Iterator[Call]:
    """Runs a .keras file in a process of its own that has no kerastpu."""
    environment = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, str(plain_keras.__file__), str(path)],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        questions = cast(BinaryIO, process.stdin)  # both are there: they are pipes
        answers = cast(BinaryIO, process.stdout)

        def call(images: np.ndarray) -> np.ndarray:
            answer = None
            with contextlib.suppress(BrokenPipeError):
                plain_keras.send(questions, images)
                answer = plain_keras.receive(answers)
            if answer is None:
                said.seek(0)
                words = said.read().decode(errors="replace").strip().splitlines()
                reason = words[-1] if words else "it said nothing"
                raise KerastpuError(f"plain Keras cannot run it: {reason}")
            return answer

        try:
            yield call
        finally:
            with contextlib.suppress(BrokenPipeError):
                questions.close()
            answers.close()
            process.wait()


@contextlib.contextmanager
def _savedmodel(path: Path) -> Iterator[Call]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # kept: it owns the variables
    serve = loaded.signatures["serving_default"]
    yield lambda images: serve(**{INPUT: tf.constant(images)})[OUTPUT].numpy()


@contextlib.contextmanager
def _onnx(path: Path) -> Iterator[Call]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    yield lambda images: session.run([OUTPUT], {INPUT: images})[0]


@contextlib.contextmanager
def _litert(path: Path) -> Iterator[Call]:
    import tensorflow as tf

    with warnings.catch_warnings():  # that the class is to move to another package
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(str(path), num_threads=os.cpu_count())
    runner = interpreter.get_signature_runner(SIGNATURE)  # resizes the batch itself
    yield lambda images: runner(**{INPUT: images})[OUTPUT]


_OPENERS: dict[str, Callable[[Path], Any]] = {
    "keras": _keras,
    "savedmodel": _savedmodel,
    "onnx": _onnx,
    "litert": _litert,
}
