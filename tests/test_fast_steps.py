"""Fast steps are those of stock Keras, and leave nothing behind."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from kerastpu import fast_steps, strategy
from kerastpu.models import freezing

SIZE = 9
KINDS = (layers.BatchNormalization, layers.DepthwiseConv2D)


def build(*, is_image=True):
    """Every kind of layer that has a kernel of its own, one beside it that has none."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((SIZE, SIZE + 2, 3))
    wide = (
        {"padding": "same"},
        {"padding": "same", "strides": 2},
        {"padding": "valid", "activation": "tanh"},
    )
    x = layers.Conv2D(4, 3, use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=0.01)(x)
    for options, kernel in zip(wide, (5, (3, 7), 4), strict=True):
        x = layers.DepthwiseConv2D(kernel, depth_multiplier=2, **options)(x)
        x = layers.BatchNormalization(momentum=0.7)(x)
        x = layers.ReLU(6.0)(x)
        if options.get("strides"):
            x = layers.UpSampling2D(2)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.BatchNormalization(center=False)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.BatchNormalization(epsilon=0.1)(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    random = np.random.default_rng(0)
    model.set_weights(
        [w + random.uniform(0.1, 0.3, w.shape) for w in model.get_weights()]
    )
    return model


def batch(seed, size=8):
    random = np.random.default_rng(seed)
    images = random.normal(size=(size, SIZE, SIZE + 2, 3)).astype("float32")
    return images, random.integers(0, 3, size)


def train(model, *, num_steps=3):
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy"
    )
    return [float(model.train_on_batch(*batch(seed))) for seed in range(num_steps)]


def freeze_all_norms(model):
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def freeze_first_half(model):
    for layer in model.layers[: len(model.layers) // 2]:
        layer.trainable = False


FREEZES = {
    "all trains": lambda model: None,
    "norms frozen": freeze_all_norms,
    "half frozen": freeze_first_half,
}


@pytest.mark.parametrize("where", ["single", "mirrored"])
@pytest.mark.parametrize("freeze", FREEZES.values(), ids=FREEZES)
def test_steps_and_scores_are_those_of_stock_keras(freeze, where):
    accelerator = strategy.resolve(where)
    found = []
    for is_fast in (False, True):
        with accelerator.scope():
            model = build()
            freeze(model)
            if is_fast:
                with fast_steps.fast_steps(model, accelerator):
                    losses = train(model)
                    outputs = model.predict(batch(9)[0], verbose=0)
            else:
                losses = train(model)
                outputs = model.predict(batch(9)[0], verbose=0)
        found.append([losses, outputs, *model.get_weights()])
    for stock, fast in zip(*found, strict=True):
        np.testing.assert_allclose(fast, stock, rtol=1e-4, atol=1e-5)
