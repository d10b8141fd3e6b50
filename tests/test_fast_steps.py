"""Fast steps are those of stock Keras, and leave nothing behind."""

import contextlib
import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from kerastpu import strategy
from kerastpu.fast_steps import fast_steps

SIZE, CLASSES = 9, 3
NUM_FAST = 8  # layers of `build` that have a kernel of their own
TIMEOUT_SECONDS = 240


def build():
    """Every kind of layer that has a kernel of its own, and layers that have none."""
    x = inputs = keras.Input((SIZE, SIZE + 2, 3))
    x = layers.Conv2D(4, 3, use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=0.01)(x)
    for kernel, options in (
        (5, {"padding": "same"}),
        ((3, 7), {"padding": "same", "strides": 2, "use_bias": False}),
        (4, {"padding": "valid", "activation": "tanh"}),
    ):
        x = layers.UpSampling2D(options.get("strides", 1))(x)
        x = layers.DepthwiseConv2D(kernel, depth_multiplier=2, **options)(x)
        x = layers.BatchNormalization(momentum=0.7)(x)
    x = layers.BatchNormalization(scale=False, center=False)(layers.ReLU(6.0)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.BatchNormalization(epsilon=0.1)(x)
    model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(-0.5, 1, w.shape) for w in model.get_weights()])
    return model


def batch(seed):
    random = np.random.default_rng(seed)
    images = random.normal(size=(8, SIZE, SIZE + 2, 3)).astype("float32")
    return images, random.integers(0, CLASSES, 8)


def fitted(accelerator, frozen, *, is_fast):
    """Returns all numbers of three steps; frozen layers come by their positions."""
    with accelerator.scope():
        model = accelerator.prepare(build())
        for layer in model.layers[frozen]:
            layer.trainable = False
        steps = fast_steps(model, accelerator) if is_fast else contextlib.nullcontext()
        with steps:
            model.compile(
                keras.optimizers.SGD(0.1, momentum=0.9),
                "sparse_categorical_crossentropy",
            )
            losses = [float(model.train_on_batch(*batch(seed))) for seed in range(3)]
            outputs = model.predict(batch(9)[0], verbose=0)
    return [np.array(losses), outputs, *model.get_weights()]


def changed(layer_list):
    return [layer for layer in layer_list if "call" in vars(layer)]


FROZEN = {
    "none frozen": slice(0, 0),
    "first half": slice(0, 7),
    "norms alone": slice(2, None, 3),
}


@pytest.mark.parametrize("frozen", FROZEN.values(), ids=FROZEN)
@pytest.mark.parametrize("where", ["single", "mirrored"])
def test_steps_and_scores_are_those_of_stock_keras(where, frozen):
    accelerator = strategy.resolve(where)
    stock, fast = (
        fitted(accelerator, frozen, is_fast=is_fast) for is_fast in (False, True)
    )
    for expected, found in zip(stock, fast, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_steps_on_replicas_are_those_of_stock_keras():
    """As a script this file prints the largest difference."""
    done = subprocess.run(
        [sys.executable, __file__],
        capture_output=True,
        check=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["num_replicas"] == 2
    assert found["num_changed"] == 3  # synchronized BatchNorms are left to Keras
    assert found["difference"] < 1e-4


def test_nothing_is_left_behind(tmp_path):
    model = build()
    before = model.get_config()
    with fast_steps(model, strategy.resolve("single")):
        assert len(changed(model.layers)) == NUM_FAST
        model.save(tmp_path / "inside.keras")
        assert model.get_config() == before
    assert not changed(model.layers)
    model.save(tmp_path / "outside.keras")
    inside, outside = (
        json.loads(zipfile.ZipFile(tmp_path / f"{name}.keras").read("config.json"))
        for name in ("inside", "outside")
    )
    assert inside == outside
    loaded = keras.models.load_model(tmp_path / "inside.keras")
    images, _ = batch(0)
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5, atol=1e-6)


def test_an_error_leaves_nothing_behind():
    model = build()
    with (
        pytest.raises(KeyError),
        fast_steps(model, strategy.resolve("single")),
    ):
        raise KeyError
    assert not changed(model.layers)


class OwnNorm(layers.BatchNormalization):
    """Anything may be different here."""


@pytest.mark.parametrize(
    "layer",
    [
        layers.BatchNormalization(axis=1),
        layers.BatchNormalization(renorm=True),
        layers.BatchNormalization(synchronized=True),
        layers.BatchNormalization(dtype="mixed_bfloat16"),
        OwnNorm(),
        layers.DepthwiseConv2D(3),  # whose gradient is fast as it is
        layers.DepthwiseConv2D(5, dilation_rate=2),
        layers.DepthwiseConv2D(5, dtype="mixed_bfloat16"),
    ],
    ids=str,
)
def test_other_layers_are_left_to_keras(layer):
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), layer])
    with fast_steps(model, strategy.resolve("single")):
        assert not changed(model.layers)


@pytest.mark.parametrize("size", [(None, None), (SIZE, None)])
def test_images_of_any_size_are_taken(size):
    model = keras.Sequential(
        [
            keras.Input((*size, 3)),
            layers.DepthwiseConv2D(5, padding="same"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
        ]
    )
    images, _ = batch(0)
    expected = model.predict(images, verbose=0)
    with fast_steps(model, strategy.resolve("single")):
        model.compile(keras.optimizers.SGD(0.0), "mse")
        loss = model.train_on_batch(images, expected)
    assert np.isfinite(loss)


def main():
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    accelerator = strategy.resolve("mirrored")
    stock, fast = (
        fitted(accelerator, slice(0, 0), is_fast=is_fast) for is_fast in (False, True)
    )
    with accelerator.scope():
        model = accelerator.prepare(build())
    with fast_steps(model, accelerator):
        num_changed = len(changed(model.layers))
    pairs = zip(stock, fast, strict=True)
    found = {
        "num_replicas": accelerator.num_replicas,
        "num_changed": num_changed,
        "difference": max(float(np.abs(a - b).max()) for a, b in pairs),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    main()
