"""One seed for every random choice of a run."""

from kerastpu import backend
from kerastpu.errors import UsageError

LARGEST_SEED = 2**32 - 1  # what NumPy takes


def set_seed(seed: int, deterministic: bool = False) -> None:
    """Seeds Python, NumPy, Keras and, where it is installed, TensorFlow.

    Args:
        seed: 0 to 2^32 - 1.
        deterministic: on the TensorFlow backend, use only kernels that give the same
            bits each time (slower; it turns XLA off, and an op without such a kernel
            raises). JAX on CPU and TPU does so anyway; on a GPU start it with
            XLA_FLAGS=--xla_gpu_deterministic_ops=true.

    Raises:
        UsageError: `seed` is out of range.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"seed must be 0 to {LARGEST_SEED}, not {seed}")
    import keras

    keras.utils.set_random_seed(seed)
    if deterministic and backend.select() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
