"""BatchNorm that stays an operation of its own on the way to ONNX."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


@contextlib.contextmanager
def kept_apart(model: keras.Model) -> Iterator[None]:
    """Lets tf2onnx write BatchNorm of maps as ONNX's BatchNormalization.

    Keras computes it by a multiplication and an addition, which disappear in the
    convolution before. So does the one operation that TensorFlow has for it, unless
    tf2onnx is kept from joining the two.
    """
    from tf2onnx.optimizer import back_to_back_optimizer

    from kerastpu import fast_steps

    fusions = back_to_back_optimizer._func_map
    pair = ("Conv", "BatchNormalization")
    fusion = fusions.pop(pair)
    try:
        with fast_steps.computing_by(model, fast_steps.batch_norm):
            yield
    finally:
        fusions[pair] = fusion
