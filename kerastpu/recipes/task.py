"""What a recipe hands to `fitting.fit`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from kerastpu.callbacks import Validation
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.strategy import Accelerator


@dataclass(frozen=True)
class Task:
    """What is to be fitted, and how the fitted part becomes the whole model."""

    model: keras.Model
    """Built inside the accelerator's scope; probabilities out."""
    make_batches: Callable[[int], Any]
    """Returns what `keras.Model.fit` takes, from the batch of that number on: full
    global batches of (inputs, labels)."""
    steps_per_epoch: int
    validation: Validation
    finish: Callable[[], keras.Model]
    """Returns the whole model, uint8 images in, once `model` is fitted."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What result.json says of how the inputs came about, ready for `json`."""


def global_batch(config: Config, accelerator: Accelerator, num_examples: int) -> int:
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
