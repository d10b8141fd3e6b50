"""A small network with BatchNorm, nested too, and a batch of unlike shares."""

import keras
import numpy as np

BATCH_SIZE = 16
NUM_STEPS = 3


def batch():
    """Returns float32 (16, 8, 8, 3) and int32 (16,): dark, medium, bright images."""
    random = np.random.default_rng(0)
    images = random.random((BATCH_SIZE, 8, 8, 3), dtype=np.float32)
    images += np.linspace(0, 2, BATCH_SIZE, dtype=np.float32)[:, None, None, None]
    return images, np.arange(BATCH_SIZE, dtype=np.int32) * 3 // BATCH_SIZE


def build():
    block = keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Activation("relu"),
        ],
        name="block",
    )
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, use_bias=False),
            block,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(6, use_bias=False),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def initial_weights(model):
    """Returns weights from NumPy, so that every process starts from the same ones."""
    random = np.random.default_rng(1)
    # Vectors are scales, shifts and variances: those of BatchNorm must be positive.
    lows = [-0.5 if len(weight.shape) > 1 else 0.1 for weight in model.weights]
    return [
        random.uniform(low, 0.5, weight.shape)
        for low, weight in zip(lows, model.weights, strict=True)
    ]


def compile_in(accelerator, prepare=True):
    """Returns the network ready to train on `accelerator`."""
    with accelerator.scope():
        model = build()
        model.set_weights(initial_weights(model))
        if prepare:
            accelerator.prepare(model)
        model.compile(
            keras.optimizers.SGD(0.05, momentum=0.9),
            "sparse_categorical_crossentropy",
            **accelerator.compile_options(),
        )
    return model


def step(accelerator, model, num_steps=1):
    """Takes steps on the one batch; returns the loss of each."""
    images, labels = batch()
    with accelerator.scope():
        history = model.fit(
            images,
            labels,
            batch_size=BATCH_SIZE,
            epochs=num_steps,
            shuffle=False,
            verbose=0,
        )
    return history.history["loss"]


def difference(left, right):
    """Returns the largest absolute difference of weights and statistics."""
    pairs = zip(left, right, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def compare(replicated, single):
    """Trains alike on both; returns the differences after one and several steps."""
    many, one = (compile_in(where) for where in (replicated, single))
    found = {}
    for name, num_steps in (("first", 1), ("last", NUM_STEPS - 1)):
        losses = [
            step(where, model, num_steps)[-1]
            for where, model in ((replicated, many), (single, one))
        ]
        found[f"{name}_loss"] = abs(losses[0] - losses[1])
        found[f"{name}_weights"] = difference(many.get_weights(), one.get_weights())
    moved = zip(one.get_weights(), initial_weights(one), strict=True)
    found["moved"] = min(float(np.abs(a - b).max()) for a, b in moved)
    return found, many, one
