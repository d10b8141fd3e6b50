"""Every model trains and saves on both Keras backends."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from kerastpu import models


def test_every_model_trains_and_saves_on_jax_without_tensorflow(tmp_path):
    script = Path(__file__).with_name("check_on_jax.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path],
        env={"JAX_PLATFORMS": "cpu", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        [name, "jax"] for name in models.REGISTRY
    ]


@pytest.mark.parametrize("name", models.REGISTRY)
def test_training_steps_lower_the_loss(name):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    labels = np.arange(8) % 2
    images[labels == 1] //= 4  # dark images are class 1
    model = models.build(name, input_shape=(32, 32, 3), num_classes=2)
    model.compile(
        keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", jit_compile=False
    )
    losses = [float(model.train_on_batch(images, labels)) for _ in range(5)]
    assert min(losses[1:]) < losses[0]
