"""What is said where a network, or a part of it, cannot be imported."""

from __future__ import annotations

from collections.abc import Sequence

from kerastpu.errors import KerastpuError

# What Keras and its backends raise where sizes do not fit, which a file may claim.
REFUSALS = (
    *(ArithmeticError, AttributeError, IndexError, KeyError, MemoryError),
    *(NotImplementedError, RuntimeError, TypeError, ValueError),
)
_SHOWN = 200  # characters of a foreign reason


class UnsupportedModelError(KerastpuError):
    """A network with parts that cannot be imported.

    Attributes:
        problems: One line for each: node, operator and reason.
    """

    def __init__(self, summary: str, problems: Sequence[str]) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{summary}:", *self.problems]))


def words_of(error: Exception) -> str:
    """Returns what a library says, in one short line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def is_from_tensorflow(error: Exception) -> bool:
    """Returns whether TensorFlow refuses something."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(error, tf.errors.OpError)
