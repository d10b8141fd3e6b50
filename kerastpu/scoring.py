"""Scores and predictions of a saved model, each image counted exactly once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import data_pipelines
from kerastpu import backend, datasets, evaluation, features
from kerastpu.errors import UsageError
from kerastpu.progress import progress
from kerastpu.runs import RunResult

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 64


@dataclass(frozen=True)
class Prediction:
    """What the model says of one image."""

    path: str
    label: str
    """Name of the most probable class."""
    probability: float
    """Of that class, 0..1."""
    probabilities: dict[str, float]
    """Of every class; they sum to 1."""

    def to_dict(self) -> dict[str, Any]:
        """Returns plain dicts and values, ready for `json`."""
        return asdict(self)


class Picked:
    """Passes batches on and keeps the images at chosen positions.

    Args:
        batches: of (uint8 images (B, H, W, C), int labels (B,)).
        positions: which images to keep, counted over all batches.
    """

    def __init__(self, batches: Iterable, positions: Iterable[int]):
        self.batches, self.positions = batches, set(positions)
        self.images: dict[int, np.ndarray] = {}

    def __iter__(self) -> Iterator:
        start = 0
        for images, labels in self.batches:
            images = np.asarray(images)
            for position in self.positions & set(range(start, start + len(images))):
                self.images[position] = images[position - start]
            start += len(images)
            yield images, labels


def image_size(model: "keras.Model") -> int:
    """Returns the side of the square images that `model` takes, in pixels."""
    return model.input_shape[1]


def color(model: "keras.Model") -> str:
    """Returns "gray" for a model of one channel, else "rgb"."""
    return "gray" if model.input_shape[3] == 1 else "rgb"


def score_split(
    model: "keras.Model",
    manifest: data_pipelines.Manifest,
    split: str,
    positions: Iterable[int] = (),
    columns: np.ndarray | None = None,
) -> tuple[evaluation.Evaluation, np.ndarray, np.ndarray, dict[int, np.ndarray]]:
    """Scores `model` on every image of a split.

    Args:
        model: uint8 images in, probabilities out.
        manifest: the shards.
        split: "train", "validation" or "test".
        positions: images to hand back, by their position in the split.
        columns: int (C,), for each class of the shards the model's output for it; None
            where the order is the same.

    Returns:
        The scores, probabilities float32 (N, C), labels int32 (N,), and the images
        asked for by position, uint8 (H, W, C).
    """
    batches = data_pipelines.ViewBatches(
        manifest,
        split,
        image_size=image_size(model),
        batch_size=BATCH_SIZE,
        color=color(model),
    )
    picked = Picked(batches, positions)
    with progress(f"score {split}") as update:
        probabilities, labels = features.extract(
            model, picked, num_examples=manifest.num_examples(split), progress=update
        )
    if columns is not None:
        probabilities = probabilities[:, columns]
    scores = evaluation.evaluate(probabilities, labels, manifest.class_names, split)
    return scores, probabilities, labels, picked.images


def score_run(
    run: RunResult, *, split: str = "test", data: str | None = None
) -> evaluation.Evaluation:
    """Scores a finished run's saved model.

    Args:
        run: the run.
        split: "train", "validation", "test", or "all": every image.
        data: where the images come from; None = what the run was trained on.

    Raises:
        UsageError: the data's classes are not the model's, or the run's own data has
            changed.
        DataError: the data cannot be read.
    """
    backend.start(run.config.backend)
    manifest, columns = open_images(run, data)
    model = run.load_model()
    if split != "all":
        return score_split(model, manifest, split, columns=columns)[0]
    parts = [
        score_split(model, manifest, part, columns=columns)[1:3]
        for part in manifest.splits
        if manifest.num_examples(part)
    ]
    probabilities, labels = (np.concatenate(side) for side in zip(*parts, strict=True))
    return evaluation.evaluate(probabilities, labels, manifest.class_names, "all")


def open_images(
    run: RunResult, data: str | None = None
) -> tuple[data_pipelines.Manifest, np.ndarray]:
    """Returns images that a finished run's model can be scored on.

    Args:
        run: the run.
        data: where the images come from; None = what the run was trained on.

    Returns:
        The shards, and int (C,): for each of their classes the model's output for it.

    Raises:
        UsageError: the data's classes are not the model's, or the run's own data has
            changed.
        DataError: the data cannot be read.
    """
    manifest = datasets.prepare(run.config, data=data)
    trained_on = run.result["data"]["content_sha256"]
    if data is None and manifest.content_sha256 != trained_on:
        raise UsageError(
            f"{run.config.data} no longer holds the images that the run was trained "
            "on; name the images to score with --data"
        )
    return manifest, align(run.class_names, manifest.class_names)


def align(found: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Returns where each wanted class is among those found, int (C,).

    Raises:
        UsageError: the classes are not the same.
    """
    try:  # classes go by name: sources differ in their order
        return data_pipelines.align_classes(found, wanted)
    except data_pipelines.DataError as error:
        raise UsageError(str(error)) from error


def predict_files(run: RunResult, paths: Sequence[str | Path]) -> list[Prediction]:
    """Names the class of image files.

    Raises:
        UsageError: no paths.
        DataError: a file is missing or is not a readable image; names it.
    """
    if not paths:
        raise UsageError("name at least one image file")
    backend.start(run.config.backend)
    model = run.load_model()
    batches = datasets.read_batches(paths, image_size(model), BATCH_SIZE, color(model))
    probabilities, _ = features.extract(model, batches, num_examples=len(paths))
    predictions = []
    for path, row in zip(paths, probabilities, strict=True):
        best = int(row.argmax())
        predictions.append(
            Prediction(
                path=str(path),
                label=run.class_names[best],
                probability=float(row[best]),
                probabilities=dict(zip(run.class_names, map(float, row), strict=True)),
            )
        )
    return predictions
