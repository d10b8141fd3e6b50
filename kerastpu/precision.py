"""The number format of the layers: which Keras dtype policy the hardware is fast at."""

from kerastpu.errors import AcceleratorError

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
TENSOR_CORES = (7, 0)  # first CUDA compute capability with float16 matrix units


def resolve_precision(precision: str, backend: str, platform: str) -> tuple[str, str]:
    """Chooses a Keras dtype policy.

    auto is mixed_bfloat16 on a TPU, mixed_float16 on GPUs with tensor cores, else
    float32: CPUs without matrix units run the short formats several times slower.

    Args:
        precision: one of `PRECISIONS`.
        backend: tensorflow or jax, imported already.
        platform: cpu, gpu or tpu.

    Returns:
        The policy and the reason for it.

    Raises:
        AcceleratorError: float16 on a TPU, which has none.
    """
    if precision == "mixed_float16" and platform == "tpu":
        raise AcceleratorError("a TPU has no float16; use mixed_bfloat16 or float32")
    if precision != "auto":
        return precision, f"{precision} was asked for"
    if platform == "tpu":
        return "mixed_bfloat16", "mixed_bfloat16 is what a TPU multiplies in"
    if platform == "gpu" and _has_tensor_cores(backend):
        return "mixed_float16", "mixed_float16 for the GPU's tensor cores"
    lack = "GPU without tensor cores" if platform == "gpu" else "CPU"
    return "float32", f"float32 on a {lack}"


def _has_tensor_cores(backend: str) -> bool:
    """Returns whether every GPU is a CUDA GPU with float16 matrix units."""
    if backend == "jax":
        import jax

        versions = [getattr(d, "compute_capability", None) for d in jax.devices()]
        capabilities = [
            tuple(int(part) for part in version.split(".")) if version else (0, 0)
            for version in versions
        ]
    else:
        import tensorflow as tf

        details = tf.config.experimental.get_device_details
        capabilities = [
            details(gpu).get("compute_capability", (0, 0))
            for gpu in tf.config.get_visible_devices("GPU")
        ]
    return min(capabilities, default=(0, 0)) >= TENSOR_CORES
