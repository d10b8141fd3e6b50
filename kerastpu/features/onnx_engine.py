"""ONNX Runtime on a CPU.

Calls of two images, one on each core, compute twice as many images a second as one call
of 32 images that shares its work between two cores (EfficientNet-Lite0 at 224 px): what
lies between two layers stays in a core's cache, and no core waits for the other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from kerastpu.features import conversion
from kerastpu.features.extraction import Runner

if TYPE_CHECKING:
    import keras

_CHUNK_BYTES = 5 << 18


def start(model: keras.Model, dtype: str) -> Runner:
    """Converts `model` as it is now.

    Args:
        model: One input, one output (batch, ...).
        dtype: Of the inputs that will come, "uint8" say.

    Raises:
        Exception: whatever tf2onnx and ONNX Runtime raise.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        conversion.to_onnx(model, dtype), options, providers=["CPUExecutionProvider"]
    )

    def call(inputs: np.ndarray) -> np.ndarray:
        return session.run([conversion.OUTPUT], {conversion.INPUT: inputs})[0]

    return Runner(
        call=call,
        input_shape=model.input_shape[1:],
        output_shape=model.output_shape[1:],
        dtype=dtype,
        chunk_bytes=_CHUNK_BYTES,
        workers=os.cpu_count() or 1,
    )
