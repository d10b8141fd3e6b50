"""Trains on 2 JAX devices, scores and predicts, where TensorFlow cannot be imported.

Usage: train_without_tensorflow.py FOLDER OUT; prints the folder of the shards.
"""

import dataclasses
import importlib.abc
import os
import sys
from pathlib import Path


class Blocker(importlib.abc.MetaPathFinder):
    """Makes TensorFlow look as if it were not installed."""

    def find_spec(self, fullname, path=None, target=None):
        """Refuses tensorflow and what is below it."""
        if fullname.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


if __name__ == "__main__":
    sys.meta_path.insert(0, Blocker())
    folder, out = sys.argv[1:]
    os.environ.pop("KERAS_BACKEND", None)
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    os.environ["KERASTPU_CACHE"] = str(Path(out) / "cache")

    import kerastpu
    from kerastpu import datasets, presets, scoring

    tiny = presets.get("tiny")
    config = dataclasses.replace(
        tiny, data=folder, training=dataclasses.replace(tiny.training, epochs=2)
    )
    run = kerastpu.train(config, Path(out) / "run")
    image = next(Path(folder).rglob("*.jpg"))
    assert scoring.predict_files(run, [image])[0].label in run.class_names
    assert "tensorflow" not in sys.modules
    print(datasets.prepare(config).directory)
