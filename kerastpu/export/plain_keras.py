"""Answers images with the probabilities of a .keras file, by Keras alone.

`python plain_keras.py MODEL.keras` reads arrays in NumPy's file format from its input,
uint8 (B, H, W, C), and writes for each one float32 (B, classes) to its output. This is
what somebody gets who has the file and not kerastpu, which cannot be imported here.
"""

import os
import sys

import numpy as np


def main(path: str) -> None:
    """Answers until the input ends."""
    sys.modules["kerastpu"] = sys.modules["data_pipelines"] = None  # type: ignore
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what frameworks print is no answer
    import keras

    model = keras.saving.load_model(path, compile=False)
    while sys.stdin.buffer.peek(1):
        images = np.lib.format.read_array(sys.stdin.buffer)
        np.lib.format.write_array(answers, model.predict_on_batch(images))
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
