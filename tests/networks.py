"""Untrained networks that behave as trained ones do."""

import keras
import numpy as np

from kerastpu import models
from kerastpu.features import conversion


def build(name, side, num_classes):
    """Returns a network of the registry whose statistics are those of random images.

    With the statistics that BatchNorm begins with, values grow from block to block, and
    a saturated softmax hides what two runtimes compute differently.

    Args:
        name: In the registry.
        side: Height in pixels, where the network takes so few; the width is 8 more.
        num_classes: Width of the output.
    """
    keras.utils.set_random_seed(1)
    entry = models.REGISTRY[name]
    height = max(entry.min_size, side)
    shape = (height, height + 8, entry.channels)
    model = models.build(name, input_shape=shape, num_classes=num_classes)
    random = np.random.default_rng(0)
    # With 0.4, one unit in the last place of the pixels moves a probability of
    # resnet152 by 2e-4, with 0.12 by 1e-5. MobileNetV3 small would give the same for
    # all images with 0.12, and hide any fault.
    factor = 0.12 if name.startswith("resnet") else 0.4
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0  # the statistics become those of one batch
            # Factors small beside offsets: rounding does not grow with depth.
            offset = 2.4
            if layer.gamma is not None:
                shape = layer.gamma.shape
                layer.gamma.assign(random.uniform(factor / 4, factor, shape))
                offset = 0.3
            if layer.beta is not None:
                layer.beta.assign(random.uniform(-offset, offset, layer.beta.shape))
        elif isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
    images = pixels(model, 64).astype(np.float32)
    model(images, training=True)
    head = model.layers[-1]
    if isinstance(head, keras.layers.Dense):
        features = keras.Model(model.inputs, head.input)(images, training=False)
        logits = np.asarray(features) @ np.asarray(head.kernel)
        head.kernel.assign(head.kernel / logits.std())
    return model


def pixels(model, count):
    """Returns random images, uint8 (count, *input shape)."""
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def convert(name, folder):
    """Writes a network as ONNX, pixels, and what it makes of them; returns it."""
    model = build(name, 40, 7)
    images = pixels(model, 8)
    np.save(folder / "pixels.npy", images)
    before = model(images.astype(np.float32), training=False)
    np.save(folder / "before.npy", np.asarray(before))
    (folder / "network.onnx").write_bytes(conversion.to_onnx(model, "uint8"))
    return model
