"""Answers images with the probabilities of a .keras file, by Keras alone.

`python plain_keras.py MODEL.keras` gets arrays from its input, uint8 (B, H, W, C), and
answers each with float32 (B, classes) on its output. This is what somebody sees who has
the file and not kerastpu, which cannot be imported here.
"""

import io
import os
import sys
from typing import BinaryIO

import numpy as np


def send(file: BinaryIO, array: np.ndarray) -> None:
    """Writes an array: the length in 8 bytes, then NumPy's format."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    file.write(len(buffer.getvalue()).to_bytes(8))
    file.write(buffer.getbuffer())
    file.flush()


def receive(file: BinaryIO) -> np.ndarray | None:
    """Reads what `send` wrote; None at the end."""
    size = int.from_bytes(file.read(8))
    return np.load(io.BytesIO(file.read(size))) if size else None


def main(path: str) -> None:
    """Answers until the input ends."""
    sys.modules["kerastpu"] = sys.modules["data_pipelines"] = None  # type: ignore
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what frameworks print is no answer
    import keras

    model = keras.saving.load_model(path, compile=False)
    while (images := receive(sys.stdin.buffer)) is not None:
        send(answers, model.predict_on_batch(images))


if __name__ == "__main__":
    main(sys.argv[1])
