"""The model that is exported, and what is known about it."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerastpu import runs
from kerastpu.errors import UsageError
from kerastpu.export.metadata import Metadata, describe_pixels
from kerastpu.version import VERSION

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Subject:
    """A classifier of images.

    Attributes:
        path: The .keras file.
        run: The run that made it; None for a file alone.
        model: uint8 images in, probabilities out; computes in float32.
        policy: Name of the number format that the file's layers compute in.
        class_names: In the order of the outputs; None where nobody says.
    """

    path: Path
    run: runs.RunResult | None
    model: keras.Model
    policy: str
    class_names: tuple[str, ...] | None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.model.input_shape[1:]

    @property
    def num_classes(self) -> int:
        """Width of the output."""
        return self.model.output_shape[1]

    def metadata(self, class_names: tuple[str, ...], precision: str) -> Metadata:
        """Returns what an export in `precision` is to hold."""
        config = self.run.config if self.run else None
        height, width, channels = self.image_shape
        return Metadata(
            class_names=class_names,
            model=config.model.name if config else self.model.name,
            preset=config.preset if config else None,
            image_size=(height, width),
            channels=channels,
            precision=precision,
            preprocessing=describe_pixels((height, width), channels),
            kerastpu=VERSION,
        )


def find(source: str | Path | runs.RunResult) -> tuple[Path, runs.RunResult | None]:
    """Returns the .keras file to export and the run that it is of; loads nothing.

    Raises:
        UsageError: neither a finished run nor a .keras file.
    """
    if isinstance(source, runs.RunResult):
        return source.model_path, source
    path = Path(source)
    if path.is_dir():
        run = runs.load_run(path)
        return run.model_path, run
    if path.suffix != ".keras":
        raise UsageError(f"{path} is neither a run folder nor a .keras file")
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    return path, None


def load(path: Path, run: runs.RunResult | None) -> Subject:
    """Loads the model, on the Keras backend in use.

    Raises:
        KerastpuError: the file is missing or damaged.
        UsageError: it is no classifier of images of one size.
    """
    model = runs.load_model(path)
    _check(model, path)
    policies = {layer.dtype_policy.name for layer in model._flatten_layers()}
    policy = ", ".join(sorted(policies - {"float32"})) or "float32"
    names = run.class_names if run else _names_in(path)
    if names is not None and len(names) != model.output_shape[1]:
        raise UsageError(
            f"{path} names {len(names)} classes, and its model has "
            f"{model.output_shape[1]} outputs"
        )
    return Subject(
        path=path,
        run=run,
        model=model if policy == "float32" else _in_float32(model),
        policy=policy,
        class_names=names,
    )


def _check(model: keras.Model, path: Path) -> None:
    """Refuses what is no functional classifier of images of a fixed size."""
    if len(model.inputs or ()) != 1 or len(model.outputs or ()) != 1:
        raise UsageError(f"{path}: a model with one input and one output is needed")
    image, output = model.input_shape, model.output_shape
    if len(image) != 4 or None in image[1:] or image[3] not in (1, 3):
        raise UsageError(
            f"{path}: the input must be images (batch, height, width, 1 or 3) of a "
            f"fixed size; it is {image}"
        )
    if len(output) != 2 or output[1] is None or output[1] < 2:
        raise UsageError(
            f"{path}: the output must be probabilities (batch, 2 or more classes); it "
            f"is {output}"
        )


def _names_in(path: Path) -> tuple[str, ...] | None:
    """Returns the class names that `runs.save_model` left in the file."""
    with zipfile.ZipFile(path) as archive:
        if runs.CARD not in archive.namelist():
            return None
        try:
            card: Any = json.loads(archive.read(runs.CARD))
            return tuple(str(name) for name in card["class_names"])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path}: its {runs.CARD} is damaged: {error}") from None


def _in_float32(model: keras.Model) -> keras.Model:
    """Returns a copy whose layers compute in float32, which all runtimes can."""
    import keras

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config(layer.get_config() | {"dtype": "float32"})

    copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    copy.set_weights(model.get_weights())
    return copy
