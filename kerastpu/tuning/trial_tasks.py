"""What a trial fits: features are computed once for all trials that share them."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import keras

from data_pipelines import Manifest
from kerastpu import recipes
from kerastpu.config import Config, HeadConfig
from kerastpu.models import heads
from kerastpu.recipes import head as head_recipe
from kerastpu.recipes.networks import build_parts
from kerastpu.recipes.task import Task, global_batch
from kerastpu.strategy import Accelerator


class TrialTasks:
    """Makes the tasks of trials on the same data.

    Args:
        manifest: the shards.
        accelerator: where trials run.
        seconds: a stopwatch with `phase(name)`.
    """

    def __init__(self, manifest: Manifest, accelerator: Accelerator, seconds: Any):
        self.manifest, self.accelerator = manifest, accelerator
        self.seconds = seconds
        self._rows: dict[str, head_recipe.Rows] = {}

    def make(self, config: Config) -> Task:
        """Returns the task of a config; its test split takes no part in it.

        Raises:
            UsageError: the config does not fit the data or the network.
        """
        if config.training.mode == "features":
            return self._head(config)
        recipe = recipes.RECIPES[config.training.mode]
        return recipe(
            config, self.manifest, self.accelerator, self.seconds, lambda: None
        )

    def _head(self, config: Config) -> Task:
        num_train = self.manifest.num_examples("train")
        batch_size = global_batch(config, self.accelerator, num_train)
        is_plain = not (config.model.cut or config.model.trainable_stages)
        key = _feature_key(config)
        back: keras.Model | None = None
        if key not in self._rows or not is_plain:
            with self.accelerator.scope():
                _, front, back = build_parts(config, len(self.manifest.class_names))
            if key not in self._rows:  # of other features none is asked for again
                self._rows = {
                    key: head_recipe.keep_rows(
                        front, config, self.manifest, self.seconds
                    )
                }
        rows = self._rows[key]
        with self.accelerator.scope():
            if back is None:
                back = self._build_head(config, rows.inputs.shape[1:])
            self.accelerator.prepare(back)
        return head_recipe.head_task(
            back, rows, config, self.manifest, batch_size, _no_whole(back)
        )

    def _build_head(self, config: Config, shape: tuple[int, ...]) -> keras.Model:
        """Builds what stands on the features, without the network that makes them."""
        image = keras.Input(shape, name=heads.FEATURES)
        return heads.attach_head(
            "head",
            image,
            image,
            len(self.manifest.class_names),
            config.model.head,
            seed=config.seed,
        )


def _no_whole(back: keras.Model) -> Callable[[], keras.Model]:
    """A trial is not saved as a model for use: only the winner is, by a run."""
    return lambda: back


def _feature_key(config: Config) -> str:
    """Returns what decides the features, as text."""
    augment = dataclasses.replace(config.input.augment, mixup=0.0, cutmix=0.0)
    own = config.model.head
    head = dataclasses.replace(HeadConfig(), pooling=own.pooling, taps=own.taps)
    training = config.training
    parts = {
        "input": dataclasses.asdict(dataclasses.replace(config.input, augment=augment)),
        "model": dataclasses.asdict(dataclasses.replace(config.model, head=head)),
        "kept": [training.views, training.engine, training.feature_dtype],
        "seed": config.seed,
    }
    return json.dumps(parts, sort_keys=True)
