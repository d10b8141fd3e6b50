"""A model by what people call it: a run, a file, a network of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kerastpu import importers, models, runs
from kerastpu.errors import UsageError
from kerastpu.models import registry

if TYPE_CHECKING:
    import keras


def open_model(name: str, *, image_size: int | None = None) -> keras.Model:
    """Loads or builds a model; what lies on disk comes before a name.

    Args:
        name: Folder of a finished run, a `.keras` or `.onnx` file, or a network of the
            registry, which has random weights.
        image_size: Height and width in pixels for a network of the registry; None: that
            of its source.

    Raises:
        UsageError: there is nothing of that name, or a size came where none is chosen.
        MissingExtraError: a package that reads ONNX files is not installed.
        KerastpuError: the file is damaged or cannot be understood.
    """
    path = Path(name).expanduser()
    is_network = not path.exists() and path.suffix not in (".keras", ".onnx")
    if is_network:
        entry = registry.find(name, what="run, file or model")
        side = entry.image_size if image_size is None else image_size
        return models.build(name, input_shape=(side, side, entry.channels))
    if image_size is not None:
        raise UsageError(
            f"image_size is for a network that is built; {name} has its size already"
        )
    if path.is_dir():
        return runs.load_run(path).load_model()
    if path.suffix == ".onnx":
        return importers.import_onnx(path)
    return runs.load_model(path)
