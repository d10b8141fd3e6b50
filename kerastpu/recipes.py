"""The two ways to train: a head on kept features, or the whole network."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from data_pipelines import Manifest, ViewBatches
from kerastpu import datasets, features, folding, models
from kerastpu.callbacks import Validation
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.fitting import ArrayBatches
from kerastpu.models import heads
from kerastpu.progress import progress
from kerastpu.strategy import Accelerator

LOG = logging.getLogger("kerastpu")


@dataclass(frozen=True)
class Task:
    """What is to be fitted, and how the fitted part becomes the whole model."""

    model: keras.Model
    """Built inside the accelerator's scope; probabilities out."""
    batches: Any
    """Full global batches of (inputs, int labels) for `keras.Model.fit`."""
    steps_per_epoch: int
    validation: Validation
    finish: Callable[[], keras.Model]
    """Returns the whole model, uint8 images in, once `model` is fitted."""


def train_head(
    config: Config,
    manifest: Manifest,
    accelerator: Accelerator,
    seconds: Any,
    begin: Callable[[], object],
) -> Task:
    """Runs the frozen network once over all views, then fits a head.

    Args:
        config: `training.views` augmented views join the images as they are.
        manifest: the shards.
        accelerator: where it runs.
        seconds: a stopwatch with `phase(name)`.
        begin: called before the long work, when the arguments have proved good.
    """
    num_views = config.training.views + 1
    num_examples = manifest.num_examples("train") * num_views
    batch_size = _batch_size(config, accelerator, num_examples)
    with accelerator.scope():
        backbone = _build_backbone(config)
    begin()
    network = folding.fold_batch_norm(backbone)
    with seconds.phase("features"):
        views = [
            _extract(network, config, manifest, "train", view)
            for view in range(num_views)
        ]
        held_out = _extract(network, config, manifest, "validation", 0)
    inputs, labels = (np.concatenate(side) for side in zip(*views, strict=True))
    num_classes = len(manifest.class_names)
    with accelerator.scope():
        layers = heads.head_layers(config.model.head, num_classes, seed=config.seed)
        head = accelerator.prepare(
            keras.Sequential(
                [keras.Input(inputs.shape[1:], name=heads.FEATURES), *layers],
                name="head",
            )
        )
    return Task(
        model=head,
        batches=ArrayBatches(inputs, labels, batch_size, config.seed),
        steps_per_epoch=len(labels) // batch_size,
        validation=Validation(head, [held_out], len(held_out[1]), manifest.class_names),
        finish=lambda: features.assemble(backbone, accelerator.finalize(head)),
    )


def train_all(
    config: Config,
    manifest: Manifest,
    accelerator: Accelerator,
    seconds: Any,
    begin: Callable[[], object],
) -> Task:
    """Trains the network, or its last stages, on batches augmented anew each epoch.

    Args: see `train_head`.
    """
    num_train = manifest.num_examples("train")
    batch_size = _batch_size(config, accelerator, num_train)
    with accelerator.scope():
        model = accelerator.prepare(_build_whole(config, len(manifest.class_names)))
    begin()
    return Task(
        model=model,
        batches=datasets.train_batches(manifest, config, batch_size),
        steps_per_epoch=num_train // batch_size,
        validation=Validation(
            model,
            ViewBatches(
                manifest,
                "validation",
                image_size=config.input.image_size,
                batch_size=batch_size,
            ),
            manifest.num_examples("validation"),
            manifest.class_names,
        ),
        finish=lambda: accelerator.finalize(model),
    )


RECIPES = {"features": train_head, "end_to_end": train_all}


def _build_backbone(config: Config) -> keras.Model:
    """Builds a network that ends with its features."""
    arguments = _arguments(config)
    if models.REGISTRY[config.model.name].is_backbone:
        arguments["pooling"] = config.model.head.pooling
    return models.build(config.model.name, include_top=False, **arguments)


def _build_whole(config: Config, num_classes: int) -> keras.Model:
    """Builds a network with its classifier, frozen as the config says."""
    model = config.model
    arguments = _arguments(config) | {"num_classes": num_classes}
    if not models.REGISTRY[model.name].is_backbone:
        return models.build(model.name, **arguments)
    whole = models.build_transfer(
        model.name,
        head=model.head,
        trainable_stages=model.trainable_stages,
        freeze_batch_norm=model.freeze_batch_norm,
        **arguments,
    )
    if model.trainable_stages is not None or model.freeze_batch_norm:
        LOG.info("what trains:\n%s", models.trainable_summary(whole))
    return whole


def _arguments(config: Config) -> dict[str, Any]:
    """Returns what both ways to build a network take."""
    model, size = config.model, config.input.image_size
    arguments = {"input_shape": (size, size, 3), "weights": model.weights}
    if model.normalization != "default":  # which only some builders take
        arguments["normalization"] = model.normalization
    return arguments


def _extract(
    network: keras.Model, config: Config, manifest: Manifest, split: str, view: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the features and labels of one view of a split."""
    batches = ViewBatches(
        manifest,
        split,
        image_size=config.input.image_size,
        batch_size=features.BATCH_SIZE,
        seed=config.seed,
        view=view,
        augment=config.input.augment,
    )
    with progress(f"features of {split}, view {view}") as update:
        return features.extract(
            network,
            batches,
            num_examples=manifest.num_examples(split),
            progress=update,
        )


def _batch_size(config: Config, accelerator: Accelerator, num_examples: int) -> int:
    """Returns the global batch.

    Raises:
        UsageError: it is larger than the training split.
    """
    batch_size = accelerator.global_batch(config.training.batch_size)
    if batch_size > num_examples:
        raise UsageError(
            f"training.batch_size x replicas is {batch_size}, more than the "
            f"{num_examples} training examples; allowed is 1..{num_examples}"
        )
    num_batches, accumulate = num_examples // batch_size, config.optimizer.accumulate
    if accumulate > num_batches:
        raise UsageError(
            f"optimizer.accumulate is {accumulate}, more than the {num_batches} "
            f"batches of an epoch; allowed is 1..{num_batches}"
        )
    return batch_size
