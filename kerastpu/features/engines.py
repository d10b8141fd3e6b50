"""What computes features: ONNX Runtime on a CPU where it can, else Keras."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kerastpu import optional
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.features import keras_engine, onnx_engine
from kerastpu.features.extraction import Runner

if TYPE_CHECKING:
    import keras

LOG = logging.getLogger("kerastpu")

ENGINES = ("auto", "onnx", "keras")
TOLERANCE = 1e-3  # between ONNX Runtime and Keras, as a share of the largest output

_ONNX_MODULES = ("onnxruntime", "tf2onnx")


@dataclass(frozen=True)
class Engine:
    """One way to compute.

    Attributes:
        name: "onnx" or "keras".
        software: What computes, with versions: other ones may round otherwise.
        start: Makes a network and the dtype of its inputs ready to run.
    """

    name: str
    software: str
    start: Callable[[keras.Model, str], Runner]


def candidates(name: str) -> tuple[Engine, ...]:
    """Returns the engines to try, one after the other.

    Args:
        name: "onnx", "keras", or "auto": ONNX Runtime before Keras where all devices
            are CPUs and it is installed.

    Raises:
        UsageError: an unknown name.
        MissingExtraError: "onnx" is not installed.
    """
    if name not in ENGINES:
        raise UsageError(f"engine must be one of {', '.join(ENGINES)}; got {name!r}")
    if name == "keras":
        return (_keras(),)
    if name == "onnx":
        for module in _ONNX_MODULES:
            optional.require(module)
        return (_onnx(),)
    if reason := _reason_against_onnx():
        LOG.info("features: Keras computes them, for %s", reason)
        return (_keras(),)
    return _onnx(), _keras()


def start(
    engines: tuple[Engine, ...], model: keras.Model, images: np.ndarray
) -> tuple[Engine, Runner]:
    """Makes the first engine that works ready to run.

    Args:
        engines: What `candidates` returned.
        model: Images -> (batch, ...).
        images: Some of those that will come, (B, H, W, C): on them ONNX Runtime must
            give what Keras gives.

    Raises:
        KerastpuError: the last one does not work either.
    """
    *others, last = engines
    for engine in others:
        try:
            return engine, _start(engine, model, images)
        except KerastpuError as error:
            LOG.info("features: Keras computes them, for %s", error)
    return last, _start(last, model, images)


def _start(engine: Engine, model: keras.Model, images: np.ndarray) -> Runner:
    from kerastpu import folding

    dtype = images.dtype.name
    network = folding.fold_batch_norm(model)
    if engine.name == "keras":
        return engine.start(network, dtype)
    try:
        runner = engine.start(network, dtype)
        found = runner.call(images)
    # Both raise what they meet, ONNX Runtime even bare subclasses of Exception.
    except Exception as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise KerastpuError(f"ONNX Runtime cannot run it: {words[0]}") from error
    difference = _check(found, keras_engine.start(model, dtype).call(images))
    LOG.info(
        "features: %s computes them, within %.0e of Keras", engine.software, difference
    )
    return runner


def _check(found: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference, as a share of the largest output.

    Raises:
        KerastpuError: it is above TOLERANCE.
    """
    scale = max(float(np.abs(expected).max()), float(np.finfo(np.float32).tiny))
    difference = float(np.abs(found - expected).max()) / scale
    if not difference <= TOLERANCE:  # NaN too
        raise KerastpuError(
            f"ONNX Runtime's outputs differ by {difference:.1e} of the largest from "
            f"those of Keras; allowed is {TOLERANCE}"
        )
    return difference


def _reason_against_onnx() -> str:
    if not keras_engine.is_on_cpu():
        return "Keras has an accelerator"
    missing = [name for name in _ONNX_MODULES if not optional.is_installed(name)]
    if missing:
        return f'{missing[0]} is not installed (pip install "kerastpu[onnx]")'
    if not optional.is_installed("tensorflow"):
        return "tf2onnx needs TensorFlow, which is not installed"
    return ""


def _onnx() -> Engine:
    return Engine("onnx", _versions("onnxruntime", "tf2onnx"), onnx_engine.start)


def _keras() -> Engine:
    import keras

    return Engine(
        "keras", _versions("keras", keras.backend.backend()), keras_engine.start
    )


def _versions(*packages: str) -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
