"""Models that are built once for all laws, and processes that check them."""

import gc
from dataclasses import dataclass
from pathlib import Path

import harness
import keras
import numpy as np
import pytest

from kerastpu import models


@dataclass(frozen=True)
class Built:
    """A small model with random weights, saved, and what it makes of two images."""

    name: str
    entry: models.ModelEntry
    model: keras.Model
    images: np.ndarray
    probabilities: np.ndarray
    folder: Path


@pytest.fixture(scope="module", params=harness.NAMES)
def built(request, tmp_path_factory):
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    model = harness.build(name)
    images = harness.random_images(2, harness.shape_of(name))
    probabilities = harness.predict(model, images)
    model.save(folder / "model.keras")
    np.savez(folder / "batch.npz", images=images, probabilities=probabilities)
    entry = models.REGISTRY[name]
    yield Built(name, entry, model, images, probabilities, folder)
    (folder / "model.keras").unlink()  # all of them are many gigabytes
    del model
    keras.backend.clear_session()
    gc.collect()


@pytest.fixture(scope="module")
def stranger():
    """A process that has Keras but no kerastpu."""
    peer = harness.Peer("load_as_stranger.py")
    yield peer
    peer.close()


@pytest.fixture(scope="module")
def jax_user():
    """A process that has JAX but no TensorFlow."""
    # Compiling is all the time that this takes: let the compiler try less hard.
    flags = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    peer = harness.Peer(
        "check_on_jax.py", {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **flags}
    )
    yield peer
    peer.close()
