"""Prints how many times its weights a conversion to ONNX adds to a process."""

import re
from pathlib import Path

import keras

from kerastpu.features import conversion


def network(width):
    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(width, 1, activation="relu")(image)
    x = keras.layers.Conv2D(width, 1)(x)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))


def peak():
    """Returns the most bytes that this process has had so far."""
    status = Path("/proc/self/status").read_text("ascii")
    return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", status)[1])


if __name__ == "__main__":
    conversion.to_onnx(network(8), "uint8")  # what is loaded at first
    model = network(3000)
    before = peak()
    conversion.to_onnx(model, "uint8")
    print((peak() - before) / (4 * model.count_params()))
