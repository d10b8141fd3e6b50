"""A head, or a head and the last layers, on features that are computed once."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import cv2
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
    rows, row_labels = features.stack(trained_on), np.concatenate(labels)
    mix = mixer(config.input.augment, len(manifest.class_names), config.seed)
    return Task(
        model=back,
        make_batches=lambda step: ArrayBatches(
            rows, row_labels, batch_size, config.seed, step, mix
        ),
        # As many rows as there are images, of whichever views: views take no time.
        steps_per_epoch=num_train // batch_size,
        validation=Validation(
            back,
            [(held_out, held_out_labels)],
            len(held_out),
            manifest.class_names,
        ),
        finish=lambda: accelerator.finalize(whole),
        facts={"features": {"engine": kept.engine, "computed": kept.computed}},
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
