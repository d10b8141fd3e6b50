"""A small head, its data and its fit; as a script, the fit on replicas and on one.

The script prints JSON: replicas, and the largest difference of weights and scores.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CLASSES = ("a", "b", "c")
NUM_EXAMPLES, BATCH_SIZE = 50, 8
NUM_REPLICAS = 2


def data():
    """Returns float32 (50, 4), a cloud for each class, and labels, 30 + 15 + 5."""
    import numpy as np

    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [30, 15, 5])
    centers = random.normal(size=(3, 4))
    inputs = centers[labels] + random.normal(size=(NUM_EXAMPLES, 4))
    return inputs.astype("float32"), labels


def build(dropout=0.0):
    import keras
    import numpy as np

    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="tanh"),
            *([keras.layers.Dropout(dropout, seed=2)] if dropout else []),
            keras.layers.Dense(3, activation="softmax", name="probabilities"),
        ],
        name="head",
    )
    random = np.random.default_rng(1)
    model.set_weights([0.5 * random.normal(size=w.shape) for w in model.get_weights()])
    return model


def config_of(epochs=3, schedule=None, loss=None, **optimizer):
    from kerastpu import config

    optimizer = {"name": "sgd", "learning_rate": 0.3} | optimizer
    return config.Config(
        optimizer=config.OptimizerConfig(**optimizer),
        schedule=schedule or config.ScheduleConfig(name="constant"),
        loss=loss or config.LossConfig(),
        training=config.TrainingConfig(epochs=epochs),
    )


def on_replicas(backend, script):
    """Returns the JSON that a script printed in a process of several CPU devices."""
    flags = f"--xla_force_host_platform_device_count={NUM_REPLICAS}"
    environment = {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    done = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": str(Path.cwd())} | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["num_replicas"] == NUM_REPLICAS
    return found


def run(folder, config, batch_size=BATCH_SIZE, where="single", dropout=0.0, **options):
    """Returns the fitted model, its rates, and the rows of metrics.csv."""
    from kerastpu import callbacks, feeding, fitting, strategy

    inputs, labels = data()
    accelerator = strategy.resolve(where)
    with accelerator.scope():
        model = build(dropout)
    scored = options.pop("scored", [(inputs, labels)])
    fitted = fitting.fit(
        model,
        lambda step: feeding.ArrayBatches(inputs, labels, batch_size, 0, step),
        steps_per_epoch=NUM_EXAMPLES // batch_size,
        validation=callbacks.Validation(model, scored, NUM_EXAMPLES, CLASSES),
        config=config,
        accelerator=accelerator,
        workdir=Path(folder),
        **{"update": lambda done, total: None} | options,
    )
    with (Path(folder) / "metrics.csv").open(newline="") as file:
        return model, fitted.rates, list(csv.DictReader(file))


def compare(config):
    """Fits on all devices and on one; returns what differs, and how far it went."""
    import numpy as np

    options = {"class_weights": (0.5, 1.0, 4.0)}
    with tempfile.TemporaryDirectory() as folder:
        many, _, rows = run(folder, config, where="auto", **options)
        one, _, same = run(folder, config, **options)
    pairs = list(zip(many.get_weights(), one.get_weights(), strict=True))
    moved = zip(one.get_weights(), build().get_weights(), strict=True)
    return {
        "weights": max(float(np.abs(a - b).max()) for a, b in pairs),
        "moved": min(float(np.abs(a - b).max()) for a, b in moved),
        "scores": max(
            abs(float(a[key]) - float(b[key]))
            for a, b in zip(rows, same, strict=True)
            for key in ("loss", "val_loss", "accuracy")
        ),
    }


def main():
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow as tf

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * NUM_REPLICAS,
        )
    from kerastpu import strategy
    from kerastpu.config import LossConfig

    # TensorFlow accumulates no gradients on several replicas.
    accumulate = 2 if os.environ["KERAS_BACKEND"] == "jax" else 1
    config = config_of(
        replica_scaling="none",
        weight_decay=0.01,
        ema=0.7,
        clip_norm=0.1,
        accumulate=accumulate,
        loss=LossConfig(name="focal", label_smoothing=0.1, l1=1e-3, l2=1e-3),
    )
    found = {"num_replicas": strategy.resolve().num_replicas} | compare(config)
    print(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main())
