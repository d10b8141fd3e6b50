"""Choosing the Keras backend, which has to happen before `import keras`."""

import glob
import logging
import os
import platform
import sys

from kerastpu import optional, quiet_import, tpu
from kerastpu.errors import KerastpuError, MissingExtraError, UsageError

LOG = logging.getLogger("kerastpu")
VARIABLE = "KERAS_BACKEND"
INSTALL = {
    "tensorflow": "pip install tensorflow",
    "jax": 'pip install "kerastpu[jax]"',
}


def select(prefer: str = "auto") -> str:
    """Chooses the Keras backend for this process; call it before `import keras`.

    auto takes the backend that Keras already runs on, else KERAS_BACKEND, else JAX on a
    TPU machine where only JAX can use the TPU, else TensorFlow, else JAX. Keras' own
    keras.json is not asked, as Keras writes it unasked. TensorFlow's start-up
    messages are turned off as `quiet_tensorflow` says, and its fast kernels on as
    `use_onednn` does.

    Args:
        prefer: auto, tensorflow or jax.

    Returns:
        tensorflow or jax; KERAS_BACKEND says the same from now on.

    Raises:
        UsageError: `prefer` is none of these.
        MissingExtraError: the backend is not installed.
        KerastpuError: Keras runs on another backend already, or KERAS_BACKEND names one
            that is not supported.
    """
    if prefer not in ("auto", *INSTALL):
        raise UsageError(f"backend must be auto, tensorflow or jax, not {prefer!r}")
    quiet_tensorflow()
    use_onednn()
    loaded = _loaded()
    name = prefer
    if prefer == "auto":
        name = loaded or os.environ.get(VARIABLE) or _default()
    if name not in INSTALL:
        raise KerastpuError(
            f"the Keras backend {name!r} is not supported; "
            f"set {VARIABLE}=tensorflow or {VARIABLE}=jax before Keras is imported"
        )
    if loaded is not None and loaded != name:
        raise KerastpuError(
            f"Keras already runs on {loaded}; for {name}, start anew with "
            f"{VARIABLE}={name}, or call kerastpu.backend.select({name!r}) before "
            "keras or tensorflow is imported"
        )
    if not optional.is_installed(name):
        raise MissingExtraError(f"{name} is not installed; run: {INSTALL[name]}")
    os.environ[VARIABLE] = name
    return name


def quiet_tensorflow() -> None:
    """Turns TensorFlow's start-up messages off, as far as TF_CPP_MIN_LOG_LEVEL says.

    Where that is not set it becomes 2, information and warnings, on a machine with a
    GPU, else 3, errors too. Call it before TensorFlow is imported.
    """
    # 3 also hides the alarming error about CUDA on a machine without any GPU.
    level = "2" if glob.glob("/dev/nvidia[0-9]*") else "3"  # noqa: PTH207
    chosen = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", level)
    if chosen.isdecimal() and int(chosen) > 0:
        quiet_import.install(int(chosen))


def use_onednn() -> None:
    """Has TensorFlow compute on x86 processors by oneDNN, unless one has chosen.

    Call it before TensorFlow is imported. By itself TensorFlow does so only where it
    sees AVX-512 with VNNI or newer; elsewhere a training step takes twice the time or
    more. TF_ENABLE_ONEDNN_OPTS=0 turns it off.
    """
    if platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def start(prefer: str = "auto") -> str:
    """Selects the backend and keeps TensorFlow off the devices that JAX computes on.

    Args, returns and errors: see `select` and `hide_accelerators_from_tensorflow`.
    """
    name = select(prefer)
    if name == "jax" and optional.is_installed("tensorflow"):
        hide_accelerators_from_tensorflow()
    return name


def hide_accelerators_from_tensorflow() -> None:
    """Keeps TensorFlow, which only feeds data here, off the GPUs that JAX computes on.

    Call it on the JAX backend before the first tf.data pipeline; imports TensorFlow.
    TensorFlow takes nearly all memory of every GPU it sees when it is first used.

    Raises:
        KerastpuError: TensorFlow has taken its GPUs already.
    """
    import tensorflow as tf

    for kind in ("GPU", "TPU"):
        if not tf.config.get_visible_devices(kind):
            continue
        try:
            tf.config.set_visible_devices([], kind)
        except RuntimeError:
            raise KerastpuError(
                f"TensorFlow has taken a {kind} that JAX needs; call kerastpu.backend."
                "hide_accelerators_from_tensorflow() before using TensorFlow"
            ) from None


def _loaded() -> str | None:
    """Returns the backend of the Keras in this process, None before it is imported."""
    if "keras" not in sys.modules:
        return None
    import keras

    return keras.backend.backend()


def _default() -> str:
    if not optional.is_installed("tensorflow"):
        return "jax"
    signs = tpu.hints()
    can_jax = optional.is_installed("jax") and optional.is_installed("libtpu")
    if signs and can_jax and not tpu.has_tensorflow_tpu():
        LOG.info("jax, not tensorflow, as only it can use the TPU (%s)", signs[0])
        return "jax"
    return "tensorflow"
