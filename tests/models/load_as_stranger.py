"""Loads saved models where kerastpu is absent; see `harness.Peer`."""

import gc
import json
import sys
import traceback
from pathlib import Path

import keras
import numpy as np

sys.modules["kerastpu"] = None


def check(folder):
    """Fails unless file and JSON make the model that was saved."""
    batch = np.load(Path(folder) / "batch.npz")
    model = keras.models.load_model(Path(folder) / "model.keras")
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    for found in (model, again):
        probabilities = found(batch["images"], training=False)
        np.testing.assert_allclose(probabilities, batch["probabilities"], atol=1e-6)


for line in sys.stdin:
    trouble = None
    try:
        check(*json.loads(line))
    except Exception:  # noqa: BLE001 (it is told to the test)
        trouble = traceback.format_exc()
    keras.backend.clear_session()
    gc.collect()
    print(json.dumps(trouble), flush=True)
