"""Models that are built once for all laws, and processes that check them."""

import gc
from dataclasses import dataclass

import harness
import keras
import numpy as np
import pytest

from kerastpu import models


@dataclass(frozen=True)
class Built:
    """A small model with random weights, and what it makes of two images."""

    name: str
    entry: models.ModelEntry
    model: keras.Model
    images: np.ndarray
    probabilities: np.ndarray


@pytest.fixture(scope="module", params=harness.NAMES)
def built(request):
    name = request.param
    model = harness.build(name)
    images = harness.random_images(2, harness.shape_of(name))
    probabilities = harness.predict(model, images)
    yield Built(name, models.REGISTRY[name], model, images, probabilities)
    del model
    keras.backend.clear_session()
    gc.collect()


@pytest.fixture
def saved(built, tmp_path):
    """A folder with the model, the images and the probabilities."""
    path = tmp_path / "model.keras"
    built.model.save(path)
    np.savez(
        tmp_path / "batch.npz", images=built.images, probabilities=built.probabilities
    )
    yield tmp_path
    path.unlink()  # all of them are many gigabytes


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
