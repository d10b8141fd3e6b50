"""Four virtual CPU devices of JAX, TensorFlow absent; prints findings as JSON.

Argument: the folder with TensorFlow's saved model, and for its own.
"""

import json
import sys
from pathlib import Path


class Blocker:
    """Makes TensorFlow look absent to every import."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def refusal(call, *arguments):
    """Returns the message of the error that the call raises."""
    from kerastpu.errors import KerastpuError

    try:
        call(*arguments)
    except KerastpuError as error:
        return str(error)
    return ""


def check_choices(strategy, replicated):
    """Returns what `resolve` takes and refuses here."""
    import keras

    from kerastpu import backend

    found = {"kinds": {}}
    for kind in ("mirrored", "data-parallel", "single", "cpu"):
        found["kinds"][kind] = strategy.resolve(kind).kind
    found["tpu"] = refusal(strategy.resolve, "tpu")
    found["other_backend"] = refusal(backend.select, "tensorflow")
    with replicated.scope():
        found["inside"] = keras.distribution.distribution() is replicated.strategy
    found["outside"] = keras.distribution.distribution() is None
    return found


def main(folder):
    sys.meta_path.insert(0, Blocker())
    import keras
    import network
    import numpy as np

    from kerastpu import seeds, strategy

    seeds.set_seed(1)
    replicated, single = strategy.resolve(), strategy.resolve("single")
    found, many, _ = network.compare(replicated, single)
    found |= check_choices(strategy, replicated)
    found["choice"] = [replicated.kind, replicated.num_replicas, single.num_replicas]
    found["devices_of_a_weight"] = len(many.layers[0].kernel.value.sharding.device_set)
    found["losses"] = network.step(replicated, many, num_steps=30)

    images, _ = network.batch()
    replicated.finalize(many).save(Path(folder) / "jax.keras")
    np.save(Path(folder) / "jax.npy", many.predict(images, verbose=0))
    loaded = keras.models.load_model(Path(folder) / "tensorflow.keras")
    expected = np.load(Path(folder) / "tensorflow.npy")
    found["loaded"] = float(np.abs(loaded.predict(images, verbose=0) - expected).max())
    found["tensorflow"] = "tensorflow" in sys.modules
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
