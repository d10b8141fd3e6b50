"""Features of images, found in the cache or computed and kept there."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipelines.batches import ViewBatches, in_threads
from kerastpu import files
from kerastpu.features import engines, extraction, keys
from kerastpu.features.store import MIB, FeatureStore, features_root
from kerastpu.progress import progress

if TYPE_CHECKING:
    import keras

LOG = logging.getLogger("kerastpu")

CONTENT_FILE = "features.json"


@dataclass(frozen=True)
class View:
    """Images of a split, as they are or augmented.

    Attributes:
        name: Of the file; differs for other images of the same shards and size.
        batches: Of images (B, H, W, C) and labels.
    """

    name: str
    batches: ViewBatches


@dataclass(frozen=True)
class Kept:
    """Features of several views.

    Attributes:
        arrays: For each view (N, ...), in the order of its batches; read-only, mapped
            from files.
        engine: What computes them: "onnx" or "keras".
        computed: How many rows were computed now; the others had been kept before.
    """

    arrays: list[np.ndarray]
    engine: str
    computed: int


def keep(
    model: keras.Model,
    views: Sequence[View],
    *,
    images: dict[str, Any],
    engine: str = "auto",
    dtype: str = "float32",
) -> Kept:
    """Returns the features of all views.

    What is there is not computed again; what a killed run began is gone on with.

    Args:
        model: Images -> features (batch, ...); inference mode is what counts.
        views: What to compute; the names differ.
        images: What decides the pixels, beside the names of the views, as plain values.
        engine: One of `engines.ENGINES`.
        dtype: On disk, "float32" or "float16".

    Raises:
        UsageError: an unknown engine.
        MissingExtraError: the engine is not installed.
        KerastpuError: it does not work, or features cannot be written.
        DataError: images that cannot be read.
    """
    content = {"network": keys.fingerprint(model), "images": images, "dtype": dtype}
    found = engines.candidates(engine)
    shape = model.output_shape[1:]
    for candidate in found:
        store = _store(content | {"software": candidate.software}, shape, dtype)
        kept = _whole(store, views)
        if len(kept) == len(views):
            LOG.info("features: found in %s", store.folder)
            return Kept(list(kept.values()), candidate.name, 0)
    sample, _ = views[0].batches[0]
    candidate, runner = engines.start(found, model, sample)
    content |= {"software": candidate.software}
    store = _store(content, shape, dtype)
    kept, computed = zip(*(compute(store, view, runner) for view in views), strict=True)
    text = json.dumps(content, indent=2) + "\n"
    files.write_text(store.folder / CONTENT_FILE, text)
    _tell(store)
    return Kept(list(kept), candidate.name, sum(computed))


def missing(
    model: keras.Model,
    views: Sequence[View],
    *,
    images: dict[str, Any],
    engine: str = "auto",
    dtype: str = "float32",
) -> int:
    """Returns how many rows of features `keep` would compute.

    Of a view that a killed run has begun all are counted.

    Args: see `keep`.
    """
    content = {"network": keys.fingerprint(model), "images": images, "dtype": dtype}
    rows = {view.name: view.batches.num_examples for view in views}
    left = []
    for candidate in engines.candidates(engine):
        software = {"software": candidate.software}
        store = _store(content | software, model.output_shape[1:], dtype)
        left.append(sum(rows[name] for name in rows.keys() - _whole(store, views)))
    return 0 if 0 in left else left[0]


def compute(
    store: FeatureStore, view: View, runner: extraction.Runner
) -> tuple[np.ndarray, int]:
    """Computes what `store` lacks of the features of one view.

    Returns:
        The features (N, ...), and how many of these rows were computed.

    Raises:
        KerastpuError: they cannot be written.
        DataError: images that cannot be read.
    """
    batches, computed = view.batches, 0
    size = runner.chunk_size(min(batches.batch_size, batches.num_examples))

    def rows_from(start: int) -> Iterator[np.ndarray]:
        steps = range(start // batches.batch_size, batches.num_batches)
        arrays = (images for images, _ in in_threads(batches, steps))
        for rows in extraction.stream(runner, arrays, size):
            nonlocal computed
            computed += len(rows)
            yield rows

    with progress(f"features of {view.name}") as update:
        kept = store.write(
            view.name,
            batches.num_examples,
            rows_from,
            step=batches.batch_size,
            progress=update,
        )
    return kept, computed


def _whole(store: FeatureStore, views: Sequence[View]) -> dict[str, np.ndarray]:
    """Returns the features of those views that are there, by name."""
    found = {
        view.name: store.open(view.name, view.batches.num_examples) for view in views
    }
    return {name: rows for name, rows in found.items() if rows is not None}


def _store(content: dict[str, Any], shape: tuple[int, ...], dtype: str) -> FeatureStore:
    return FeatureStore(features_root() / keys.key(content), shape, dtype)


def _tell(store: FeatureStore) -> None:
    """Says where features lie and how much room they take, here and in all."""
    here, total = (
        sum(path.stat().st_size for path in folder.rglob("*.npy")) / MIB
        for folder in (store.folder, features_root())
    )
    LOG.info(
        "features: %.0f MiB kept in %s; %.0f MiB in all of %s, which may be removed",
        here,
        store.folder,
        total,
        features_root(),
    )
