"""A range test on 2 simulated devices; prints JSON, on any backend.

Run by `test_lr_finder.py`, which also takes the model and the batches from here.
"""

import json

import keras
import numpy as np

from kerastpu import lr_finder, schedules


def batches(num=16, size=32):
    """Returns batches of 4 classes that a line tells apart."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(num * size, 20)).astype("float32")
    labels = (inputs @ random.normal(size=(20, 4))).argmax(axis=1)
    shares = zip(np.split(inputs, num), np.split(labels, num), strict=True)
    return list(shares)


def build(rate, *, optimizer="SGD", dropout=0.1, **options):
    """Returns a compiled network with everything that training changes."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(32, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(dropout),
            layers.Dense(4, activation="softmax"),
        ]
    )
    for index, kernel in enumerate(w for w in model.weights if len(w.shape) == 2):
        random = np.random.default_rng(index)
        kernel.assign(0.3 * random.normal(size=kernel.shape))
    if isinstance(rate, schedules.Curve):
        rate = schedules.as_keras(rate)
    kind = getattr(keras.optimizers, optimizer)
    model.compile(kind(rate), "sparse_categorical_crossentropy", **options)
    return model


def find(model):
    """Returns a short range test."""
    return lr_finder.find(model, batches(), low=1e-4, high=0.3, num_steps=20)


def print_averaged():
    """Prints how a test went after a `fit` that keeps a moving average of weights."""
    model = build(0.1)
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), model.loss)
    model.fit(*batches(1)[0], verbose=0)
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
    num_losses = len(find(model).losses)
    found = {"num_losses": num_losses, "changed": largest_change(variables, before)}
    print(json.dumps(found))


def largest_change(variables, before):
    """Returns how far variables are from the values that they had."""
    return max(
        float(np.abs(keras.ops.convert_to_numpy(variable) - value).max())
        for variable, value in zip(variables, before, strict=True)
    )


def main():
    """Prints the losses, and how far the variables are from what they were."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
    from kerastpu import strategy

    accelerator = strategy.resolve()
    with accelerator.scope():
        model = accelerator.prepare(build(0.1, dropout=0.0))
        model.optimizer.build(model.trainable_variables)
        variables = [*model.variables, *model.optimizer.variables]
        before = [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
        result = find(model)
    changed = largest_change(variables, before)
    found = {"losses": result.raw_losses, "changed": changed}
    print(json.dumps(found | {"num_replicas": accelerator.num_replicas}))


if __name__ == "__main__":
    main()
