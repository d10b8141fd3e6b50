"""Discriminative learning rates on two replicas, and on one; prints findings as JSON.

Runs on either backend. For each optimizer: by how much the weights of two replicas and
one differ after two updates, and by how much the first update of a weight differs from
its factor times that of the same optimizer without factors, relative to the latter.
"""

import json

import keras
import numpy as np

from kerastpu import discriminative, strategy

DECAY = 0.5
FACTORS = {"conv0": DECAY**2, "conv1": DECAY, "probabilities": 1.0}
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((16, 8, 8, 3), dtype=np.float32)
LABELS = np.arange(16, dtype=np.int32) % 3


def sgd(**options):
    return keras.optimizers.SGD(0.1, **options)


def optimizers():
    """Yields name, batches for one update, and a function that makes the optimizer."""
    yield "ema", 1, lambda: sgd(momentum=0.9, weight_decay=0.1, use_ema=True)
    scaled = keras.optimizers.LossScaleOptimizer
    yield "loss_scale", 1, lambda: scaled(keras.optimizers.AdamW(0.01, epsilon=1e-4))
    if keras.backend.backend() == "jax":  # MirroredStrategy cannot do it
        two = {"gradient_accumulation_steps": 2}
        yield "accumulate", 2, lambda: sgd(weight_decay=0.1, **two)


def build():
    x = inputs = keras.Input((8, 8, 3))
    for index in range(2):
        x = keras.layers.Conv2D(4, 3, 2, activation="tanh", name=f"conv{index}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dense(3, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, x)


def train(accelerator, num_batches, make, *, is_scaled=True):
    """Returns the weights by path before, after one update and after another."""
    keras.utils.set_random_seed(0)
    with accelerator.scope():
        model, optimizer = build(), make()
        if is_scaled:
            multipliers = discriminative.stage_multipliers(model, DECAY)
            discriminative.scale(optimizer, multipliers)
        model.compile(
            optimizer,
            "sparse_categorical_crossentropy",
            **accelerator.compile_options(),
        )
        found = [model.get_weights()]
        for _ in range(2):
            for _ in range(num_batches):
                model.train_on_batch(IMAGES, LABELS)
            found.append(model.get_weights())
    paths = [weight.path for weight in model.weights]
    return [dict(zip(paths, weights, strict=True)) for weights in found]


def check(replicated, single, num_batches, make):
    """Returns how unlike two replicas and one are, and the error of the factors."""
    before, scaled, many = train(replicated, num_batches, make)
    one = train(single, num_batches, make)[-1]
    plain = train(replicated, num_batches, make, is_scaled=False)[1]
    errors = []
    for path, start in before.items():
        step = plain[path] - start
        expected = FACTORS[path.partition("/")[0]] * step
        errors.append(
            np.abs(scaled[path] - start - expected).max() / np.abs(step).max()
        )
    return {
        "replicas": max(float(np.abs(many[path] - one[path]).max()) for path in many),
        "factors": float(max(errors)),
    }


def main():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * 2,
        )
    replicated, single = strategy.resolve(), strategy.resolve("single")
    found = {name: check(replicated, single, *rest) for name, *rest in optimizers()}
    print(json.dumps({"num_replicas": replicated.num_replicas, "optimizers": found}))


if __name__ == "__main__":
    main()
