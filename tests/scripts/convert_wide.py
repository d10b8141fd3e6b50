"""Prints how many times its weights a conversion to ONNX adds to a process."""

import keras

from kerastpu.features import conversion
from kerastpu.peak_memory import peak_memory


def network(width):
    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(width, 1, activation="relu")(image)
    x = keras.layers.Conv2D(width, 1)(x)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))


if __name__ == "__main__":
    conversion.to_onnx(network(8), "uint8")  # what is loaded at first
    model = network(3000)
    before = peak_memory()
    conversion.to_onnx(model, "uint8")
    print((peak_memory() - before) / (4 * model.count_params()))
