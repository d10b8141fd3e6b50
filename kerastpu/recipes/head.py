"""A head, or a head and the last layers, on features that are computed once."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import keras
import numpy as np

from data_pipelines import Manifest, ViewBatches
from kerastpu import features
from kerastpu.callbacks import Validation
from kerastpu.config import Config
from kerastpu.features import keys
from kerastpu.feeding import ArrayBatches, mixer
from kerastpu.recipes.networks import build_parts
from kerastpu.recipes.task import Task, global_batch
from kerastpu.strategy import Accelerator
from kerastpu.version import VERSION


def train_head(
    config: Config,
    manifest: Manifest,
    accelerator: Accelerator,
    seconds: Any,
    begin: Callable[[], object],
) -> Task:
    """Runs the frozen part of the network once over all views; then the rest is fitted.

    Args:
        config: `training.views` augmented views join the images as they are.
        manifest: the shards.
        accelerator: where it runs.
        seconds: a stopwatch with `phase(name)`.
        begin: called before the long work, when the arguments have proved good.
    """
    num_train = manifest.num_examples("train")
    batch_size = global_batch(config, accelerator, num_train)
    with accelerator.scope():
        whole, front, back = build_parts(config, len(manifest.class_names))
        accelerator.prepare(back)
    begin()
    rows = keep_rows(front, config, manifest, seconds)
    return head_task(
        back, rows, config, manifest, batch_size, lambda: accelerator.finalize(whole)
    )


@dataclass(frozen=True)
class Rows:
    """Kept features of the training and the validation split, with their labels."""

    inputs: np.ndarray | features.StackedRows
    labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray
    engine: str
    computed: int


def keep_rows(
    front: keras.Model, config: Config, manifest: Manifest, seconds: Any
) -> Rows:
    """Computes what `front` makes of all views, or finds it kept."""
    views = views_of(config, manifest)
    with seconds.phase("features"):
        kept = features.keep(
            front,
            views,
            images=pixels_of(config, manifest),
            engine=config.training.engine,
            dtype=config.training.feature_dtype,
        )
    *trained_on, held_out = kept.arrays
    *labels, held_out_labels = (view.batches.labels for view in views)
    return Rows(
        features.stack(trained_on),
        np.concatenate(labels),
        held_out,
        held_out_labels,
        kept.engine,
        kept.computed,
    )


def head_task(
    back: keras.Model,
    rows: Rows,
    config: Config,
    manifest: Manifest,
    batch_size: int,
    finish: Callable[[], keras.Model],
) -> Task:
    """Returns what is to be fitted: `back`, to kept features.

    Args:
        back: features -> probabilities, ready for its accelerator.
        rows: the features.
        config: seed and mixing.
        manifest: the shards.
        batch_size: global batch.
        finish: see `Task`.
    """
    mix = mixer(config.input.augment, len(manifest.class_names), config.seed)
    return Task(
        model=back,
        make_batches=lambda step: ArrayBatches(
            rows.inputs, rows.labels, batch_size, config.seed, step, mix
        ),
        # As many rows as there are images, of whichever views: views take no time.
        steps_per_epoch=manifest.num_examples("train") // batch_size,
        validation=Validation(
            back,
            [(rows.held_out, rows.held_out_labels)],
            len(rows.held_out),
            manifest.class_names,
        ),
        finish=finish,
        facts={"features": {"engine": rows.engine, "computed": rows.computed}},
    )


def views_of(config: Config, manifest: Manifest) -> list[features.View]:
    """Returns the views of the training split, then the validation split as it is."""
    unmixed = replace(config.input.augment, mixup=0.0, cutmix=0.0)
    augmentation = keys.key([config.seed, asdict(unmixed)])
    splits = ["train"] * (config.training.views + 1) + ["validation"]
    views = []
    for number, split in zip([*range(len(splits) - 1), 0], splits, strict=True):
        batches = ViewBatches(
            manifest,
            split,
            image_size=config.input.image_size,
            batch_size=features.BATCH_SIZE,
            seed=config.seed,
            view=number,
            augment=config.input.augment,
            color=config.input.color,
        )
        made = f"-{augmentation}" if number else ""
        views.append(features.View(f"{split}-view-{number}{made}", batches))
    return views


def pixels_of(config: Config, manifest: Manifest) -> dict[str, Any]:
    """Returns what decides the pixels of all views."""
    return {
        "shards": {
            split: [shard.sha256 for shard in manifest.splits[split].shards]
            for split in ("train", "validation")
        },
        "image_size": config.input.image_size,
        "color": config.input.color,
        "kerastpu": VERSION,
        "opencv": cv2.__version__,
    }
