"""Every model trains and saves on both Keras backends."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from kerastpu import models

# XLA takes half a minute to compile this one.
SLOW_ON_JAX = "efficientnet_lite0"


@pytest.mark.parametrize(
    "names",
    [
        [name for name in models.REGISTRY if name != SLOW_ON_JAX],
        pytest.param([SLOW_ON_JAX], marks=pytest.mark.slow),
    ],
    ids=", ".join,
)
def test_models_train_and_save_on_jax_without_tensorflow(names, tmp_path):
    script = Path(__file__).with_name("check_on_jax.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, *names],
        env={"JAX_PLATFORMS": "cpu", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        [name, "jax"] for name in names
    ]


@pytest.mark.parametrize("name", models.REGISTRY)
def test_training_steps_lower_the_loss(name):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    labels = np.arange(8) % 2
    images[labels == 1] //= 4  # dark images are class 1
    model = models.build(name, input_shape=(32, 32, 3), num_classes=2)
    model.compile(  # eagerly: tracing a graph would take longer than a few steps
        keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", run_eagerly=True
    )
    losses = [float(model.train_on_batch(images, labels)) for _ in range(3)]
    assert min(losses[1:]) < losses[0]
