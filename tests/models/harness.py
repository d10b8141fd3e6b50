"""What the laws of all models share: which run when, at which size, on which pixels."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from kerastpu import models

NUM_CLASSES = 3


def _smallest(kind):
    """Returns, for each value of an entry's `kind`, the name of fewest parameters."""
    found = {}
    for name, entry in models.REGISTRY.items():
        best = models.REGISTRY[found.setdefault(getattr(entry, kind), name)]
        if entry.num_parameters < best.num_parameters:
            found[getattr(entry, kind)] = name
    return set(found.values())


def parametrized(quick, names=tuple(models.REGISTRY)):
    """Returns names; those that are not quick run under `make test-all` only."""
    return [
        pytest.param(name, marks=() if name in quick else pytest.mark.slow)
        for name in names
    ]


SMALL = {name for name, entry in models.REGISTRY.items() if not entry.is_backbone}
ONE_OF_EACH = _smallest("family")
# One of each builder, at most, and none that takes seconds to train or to save.
FEW = sorted(
    name
    for name in ONE_OF_EACH & _smallest("module")
    if models.REGISTRY[name].num_parameters < 20e6
)
NAMES = parametrized(SMALL | ONE_OF_EACH)
# For laws that take longer: a model is built once more, or trains.
FEWER_NAMES = parametrized(SMALL.union(FEW))


def shape_of(name):
    """Returns a small input shape, not square: that finds mixed up axes."""
    entry = models.REGISTRY[name]
    side = max(entry.min_size, 32)
    return side, side + 8, entry.channels


def build(name, **options):
    """Builds it small, for 3 classes, unless options say otherwise."""
    small = {"input_shape": shape_of(name), "num_classes": NUM_CLASSES}
    return models.build(name, **{**small, **options})


def random_images(count, shape):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)


def predict(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


def train(model, num_steps=3):
    """Returns the losses of steps on one batch, of which half is dark.

    Dropout drops the same in each step, so that only what was learned changes the loss.
    TensorFlow runs them eagerly: compiling takes longer than a few steps. JAX compiles
    each operation by itself then, which takes longer still.
    """
    images = random_images(8, model.input_shape[1:])
    labels = np.arange(8) % 2
    images[labels == 1] //= 4
    weights = {id(weight) for weight in model.weights}
    seeds = [v for v in model.variables if id(v) not in weights]
    start = [keras.ops.convert_to_numpy(seed) for seed in seeds]
    adam = keras.optimizers.Adam(1e-4)  # its steps do not depend on the gradient's size
    model.compile(
        adam,
        "sparse_categorical_crossentropy",
        run_eagerly=keras.backend.backend() == "tensorflow",
    )
    losses = []
    for _ in range(num_steps):
        for seed, value in zip(seeds, start, strict=True):
            seed.assign(value)
        model.reset_metrics()
        losses.append(float(model.train_on_batch(images, labels)))
    return losses


class Peer:
    """A process that does one job for each line it reads: Python starts only once."""

    def __init__(self, script, env=None):
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name(script)],
            env=os.environ | (env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *words):
        """Has the job done; fails with the peer's traceback."""
        self._process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the process ended with {self._process.wait()}"
        trouble = json.loads(answer)
        assert not trouble, trouble

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)
