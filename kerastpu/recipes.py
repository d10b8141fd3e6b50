"""The two ways to train: a head on kept features, or the whole network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from data_pipelines import Manifest, ViewBatches
from kerastpu import datasets, features, folding, models
from kerastpu.config import Config, ModelConfig
from kerastpu.errors import UsageError
from kerastpu.fitting import ArrayBatches, Validation
from kerastpu.progress import progress
from kerastpu.strategy import Accelerator


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
    """Runs the frozen network once over all views, then fits a softmax head.

    Args:
        config: `training.views` augmented views join the images as they are.
        manifest: the shards.
        accelerator: where it runs.
        seconds: a stopwatch with `phase(name)`.
        begin: called before the long work, when the arguments have proved good.
    """
    size, num_views = config.input.image_size, config.training.views + 1
    num_examples = manifest.num_examples("train") * num_views
    batch_size = _batch_size(config, accelerator, num_examples)
    with accelerator.scope():
        backbone = models.build(
            config.model.name,
            input_shape=(size, size, 3),
            include_top=False,
            weights=config.model.weights,
            **_options(config.model),
        )

    begin()
    network = folding.fold_batch_norm(backbone)

    def extract(split: str, view: int) -> tuple[np.ndarray, np.ndarray]:
        batches = ViewBatches(
            manifest,
            split,
            image_size=size,
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

    with seconds.phase("features"):
        views = [extract("train", view) for view in range(num_views)]
        held_out, held_out_labels = extract("validation", 0)
    inputs, labels = (np.concatenate(side) for side in zip(*views, strict=True))
    with accelerator.scope():
        head = keras.Sequential(
            [
                keras.Input(inputs.shape[1:], name="features"),
                keras.layers.Dropout(
                    config.model.head.dropout, seed=config.seed, name="head_dropout"
                ),
                keras.layers.Dense(
                    len(manifest.class_names),
                    activation="softmax",
                    dtype="float32",
                    name="probabilities",
                ),
            ],
            name="head",
        )
    return Task(
        model=head,
        batches=ArrayBatches(inputs, labels, batch_size, config.seed),
        steps_per_epoch=len(labels) // batch_size,
        validation=Validation(
            head,
            [(held_out, held_out_labels)],
            len(held_out),
            manifest.class_names,
        ),
        finish=lambda: features.assemble(backbone, head),
    )


def train_all(
    config: Config,
    manifest: Manifest,
    accelerator: Accelerator,
    seconds: Any,
    begin: Callable[[], object],
) -> Task:
    """Trains every weight of the network on batches augmented anew in each epoch.

    Args: see `train_head`.
    """
    size, num_train = config.input.image_size, manifest.num_examples("train")
    batch_size = _batch_size(config, accelerator, num_train)
    with accelerator.scope():
        model = accelerator.prepare(
            models.build(
                config.model.name,
                input_shape=(size, size, 3),
                num_classes=len(manifest.class_names),
                weights=config.model.weights,
                **_options(config.model),
            )
        )
    begin()
    return Task(
        model=model,
        batches=datasets.train_batches(manifest, config, batch_size),
        steps_per_epoch=num_train // batch_size,
        validation=Validation(
            model,
            ViewBatches(manifest, "validation", image_size=size, batch_size=batch_size),
            manifest.num_examples("validation"),
            manifest.class_names,
        ),
        finish=lambda: accelerator.finalize(model),
    )


RECIPES = {"features": train_head, "end_to_end": train_all}


def _options(model: ModelConfig) -> dict[str, Any]:
    """Returns what only some builders take; another one refuses it by name."""
    is_default = model.normalization == "default"
    return {} if is_default else {"normalization": model.normalization}


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
    return batch_size
