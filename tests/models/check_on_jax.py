"""Builds, trains and saves models on JAX with TensorFlow blocked; run as a script.

Arguments: a folder for saved models, names of models. Prints a line for each model.
"""

import importlib.abc
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
# Compiling is all the time that this takes: let the compiler try less hard.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"


class _Blocked(importlib.abc.MetaPathFinder):
    """Hides TensorFlow; None in `sys.modules` would make Keras try to use it."""

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, _Blocked())

import keras  # noqa: E402
import numpy as np  # noqa: E402

from kerastpu import features, models  # noqa: E402

SHAPE = (32, 32, 3)


def check(name: str, folder: Path) -> None:
    """Fails unless a step lowers the loss and a saved model predicts the same."""
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (8, *SHAPE), np.uint8)
    labels = np.arange(8) % 2
    images[labels == 1] //= 4  # dark images are class 1
    model = models.build(name, input_shape=SHAPE, num_classes=2)
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    first = model.train_on_batch(images, labels)
    losses = [first] + [model.train_on_batch(images, labels) for _ in range(2)]
    if not min(losses[1:]) < losses[0]:
        raise SystemExit(f"{name}: the loss does not fall: {losses}")
    path = folder / f"{name}.keras"
    model.save(path)
    expected, _ = features.extract(model, [(images, labels)], num_examples=8)
    loaded = keras.models.load_model(path)
    parts = [(images[:5], labels[:5]), (images[5:], labels[5:])]
    found, kept = features.extract(loaded, parts, num_examples=8)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_array_equal(kept, labels)
    print(name, keras.backend.backend(), losses)


if __name__ == "__main__":
    for named in sys.argv[2:]:
        check(named, Path(sys.argv[1]))
