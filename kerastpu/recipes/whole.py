"""The whole network, or its last stages."""

from collections.abc import Callable
from typing import Any

from data_pipelines import Manifest, ViewBatches
from kerastpu import datasets
from kerastpu.callbacks import Validation
from kerastpu.config import Config
from kerastpu.recipes.networks import build_whole
from kerastpu.recipes.task import Task, global_batch
from kerastpu.strategy import Accelerator


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
    batch_size = global_batch(config, accelerator, num_train)
    with accelerator.scope():
        model = accelerator.prepare(build_whole(config, len(manifest.class_names)))
    begin()
    return Task(
        model=model,
        make_batches=lambda step: datasets.train_batches(
            manifest, config, batch_size, start_step=step
        ),
        steps_per_epoch=num_train // batch_size,
        validation=Validation(
            model,
            ViewBatches(
                manifest,
                "validation",
                image_size=config.input.image_size,
                batch_size=batch_size,
                color=config.input.color,
            ),
            manifest.num_examples("validation"),
            manifest.class_names,
        ),
        finish=lambda: accelerator.finalize(model),
    )
