"""What the machine computes on, and what the caller's wish makes of it.

Sources: tensorflow.org/guide/distributed_training, keras.io/api/distribution.
"""

import json
import os
from dataclasses import dataclass
from typing import Any

from kerastpu import tpu
from kerastpu.errors import AcceleratorError


@dataclass(frozen=True)
class Choice:
    """The devices to run on and the strategy that spreads a batch over them."""

    kind: str
    strategy: Any
    devices: tuple[str, ...]
    platform: str
    """cpu, gpu or tpu."""
    reasons: tuple[str, ...]

    @property
    def num_replicas(self) -> int:
        """Shares that a batch is cut into: one for each device of a strategy."""
        if self.strategy is None:
            return 1
        # TPUStrategy knows: TensorFlow may list devices that it does not compute on.
        return getattr(self.strategy, "num_replicas_in_sync", len(self.devices))


def count(devices: tuple[str, ...], platform: str) -> str:
    """Returns, for instance, "2 GPU devices"."""
    return f"{len(devices)} {platform.upper()} device{'s' if len(devices) > 1 else ''}"


def on_tensorflow(prefer: str, needs: tuple[str, ...]) -> Choice:
    """Chooses on the TensorFlow backend: TPU, all GPUs, the one device.

    Args:
        prefer: as in `kerastpu.strategy.resolve`.
        needs: what MirroredStrategy does badly on one device; auto then takes single.

    Raises:
        AcceleratorError: what was asked for is not there, or cannot work.
    """
    import tensorflow as tf

    _refuse_cluster()
    if prefer == "data-parallel":
        raise AcceleratorError(
            "data-parallel (keras.distribution) trains unsharded on TensorFlow without "
            "saying so; use mirrored, or KERAS_BACKEND=jax"
        )
    if prefer == "cpu":
        _hide_gpus(tf)
    reasons: tuple[str, ...] = ()
    if prefer in ("auto", "tpu"):
        strategy, reasons = tpu.connect(is_required=prefer == "tpu")
        if strategy is not None:
            devices = tuple(d.name for d in tf.config.list_logical_devices("TPU"))
            return Choice("tpu", strategy, devices, "tpu", reasons)
    gpus = tf.config.list_logical_devices("GPU")
    found = tuple(
        device.name for device in gpus or tf.config.list_logical_devices("CPU")
    )
    if prefer == "tpu":
        raise AcceleratorError(
            f"no TPU can be used; found {', '.join(found)}; tried {'; '.join(reasons)}"
        )
    platform = "gpu" if gpus else "cpu"
    if prefer in ("single", "cpu"):
        return Choice(prefer, None, found[:1], platform, (count(found, platform),))
    reasons += (count(found, platform),)
    if prefer == "auto" and needs and len(found) == 1:
        reasons += (f"single: MirroredStrategy does not suit {', '.join(needs)}",)
        return Choice("single", None, found, platform, reasons)
    return Choice("mirrored", _mirrored(tf, found), found, platform, reasons)


def _mirrored(tf: Any, devices: tuple[str, ...]) -> Any:
    """Returns the strategy, without TensorFlow's message among a notebook's results."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        return tf.distribute.MirroredStrategy(list(devices))
    finally:
        logger.setLevel(level)


def _refuse_cluster() -> None:
    """Refuses TF_CONFIG with several workers: they would train apart, unasked.

    Raises:
        AcceleratorError: several workers, or TF_CONFIG is not JSON.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return
    try:
        cluster = json.loads(text).get("cluster", {})
        tasks = sum(len(cluster.get(role, ())) for role in ("chief", "worker", "ps"))
    except (json.JSONDecodeError, AttributeError, TypeError):
        raise AcceleratorError(
            f"TF_CONFIG must be a JSON object, not {text!r}"
        ) from None
    if tasks > 1:
        raise AcceleratorError(
            f"TF_CONFIG names {tasks} tasks, but Keras 3 cannot fit on several workers "
            "(https://github.com/keras-team/keras/issues/20585); unset TF_CONFIG to "
            "train on this machine alone"
        )


def _hide_gpus(tf: Any) -> None:
    if not tf.config.get_visible_devices("GPU"):
        return
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        raise AcceleratorError(
            "TensorFlow has started its GPUs already; ask for cpu before it is used, "
            "or set CUDA_VISIBLE_DEVICES=-1"
        ) from None


def on_jax(prefer: str, needs: tuple[str, ...]) -> Choice:
    """Chooses on the JAX backend: DataParallel over all devices, or the one there is.

    Args:
        prefer: as in `kerastpu.strategy.resolve`.
        needs: not looked at, as DataParallel can do all of it.

    Raises:
        AcceleratorError: what was asked for is not there.
    """
    import jax
    import keras

    if prefer == "cpu":
        jax.config.update("jax_platforms", "cpu")
    try:
        found = tuple(keras.distribution.list_devices())
    except RuntimeError as error:
        raise AcceleratorError(f"JAX finds no device: {error}") from error
    platform = found[0].partition(":")[0]
    listed = ", ".join(found)
    if prefer in ("tpu", "cpu") and platform != prefer:
        raise AcceleratorError(
            f"no {prefer.upper()} can be used with JAX; found {listed}"
            + ("; JAX has started, ask for cpu first" if prefer == "cpu" else "")
        )
    reasons = [count(found, platform)]
    if (signs := tpu.hints()) and platform != "tpu":
        reasons.append(
            f"signs of a TPU ({', '.join(signs)}), but JAX sees none; "
            'run: pip install "kerastpu[tpu]"'
        )
    if prefer in ("single", "cpu"):
        return Choice(prefer, None, found[:1], platform, tuple(reasons))
    kind = "tpu" if platform == "tpu" else "data-parallel"
    if len(found) > 1:
        strategy = keras.distribution.DataParallel(devices=list(found))
        return Choice(kind, strategy, found, platform, tuple(reasons))
    if prefer in ("mirrored", "data-parallel"):
        raise AcceleratorError(
            f"{prefer} on JAX is DataParallel over 2 or more devices, found {listed}; "
            "use auto or single"
        )
    kind = "tpu" if platform == "tpu" else "single"
    return Choice(kind, None, found, platform, tuple(reasons))


CHOOSERS = {"tensorflow": on_tensorflow, "jax": on_jax}
