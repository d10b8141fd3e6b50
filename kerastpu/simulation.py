"""Several devices on a machine that has one CPU, to try out replicas."""

from kerastpu import backend
from kerastpu.errors import KerastpuError, UsageError


def split_cpu(num_devices: int) -> None:
    """Makes this process see its CPU as several devices, and no other device.

    They share the same cores, so nothing gets faster: it shows what replicas compute.
    Call it before anything else uses the backend, as in a process of its own.

    Args:
        num_devices: at least 1.

    Raises:
        UsageError: `num_devices` is below 1.
        KerastpuError: the backend has started already.
    """
    if num_devices < 1:
        raise UsageError(f"num_devices must be at least 1, not {num_devices}")
    split = {"tensorflow": _on_tensorflow, "jax": _on_jax}[backend.select()]
    try:
        split(num_devices)
    except RuntimeError:
        raise KerastpuError(
            "the backend has started; call split_cpu before anything else uses it"
        ) from None


def _on_tensorflow(num_devices: int) -> None:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_visible_devices([cpu])
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * num_devices
    )


def _on_jax(num_devices: int) -> None:
    import jax

    jax.config.update("jax_num_cpu_devices", num_devices)  # first: it checks
    jax.config.update("jax_platforms", "cpu")
