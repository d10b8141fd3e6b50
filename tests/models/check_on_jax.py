"""Builds and trains models on JAX with TensorFlow blocked; see `harness.Peer`."""

import gc
import importlib.abc
import json
import sys
import traceback
from pathlib import Path


class _Blocked(importlib.abc.MetaPathFinder):
    """Hides TensorFlow; None in `sys.modules` would make Keras try to use it."""

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, _Blocked())

import harness  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402


def compute(name, folder):
    """Fails unless a model made here computes the same with TensorFlow's weights."""
    batch = np.load(Path(folder) / "batch.npz")
    model = harness.build(name)
    model.load_weights(Path(folder) / "model.keras")
    probabilities = harness.predict(model, batch["images"])
    np.testing.assert_allclose(probabilities, batch["probabilities"], atol=1e-4)


def train(name):
    """Fails unless a training step lowers the loss."""
    first, second = harness.train(harness.build(name), num_steps=2)
    assert second < first, (first, second)


assert keras.backend.backend() == "jax"
JOBS = {"compute": compute, "train": train}

for line in sys.stdin:
    trouble = None
    try:
        job, *words = json.loads(line)
        JOBS[job](*words)
    except Exception:  # noqa: BLE001 (it is told to the test)
        trouble = traceback.format_exc()
    keras.backend.clear_session()
    gc.collect()
    print(json.dumps(trouble), flush=True)
