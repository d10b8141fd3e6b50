"""Refuses what trains without an error and comes out wrong.

A loss that applies softmax again, labels of another kind than the loss, pixels scaled
twice or not at all: Keras takes all of them. `check` looks at a model, its loss and one
batch, and says what to change. It judges only what is certain.
"""

from typing import Any

import keras
import numpy as np

from kerastpu.guards import labels as label_guard
from kerastpu.guards import outputs, pixels
from kerastpu.guards.loss_kind import describe_loss


def check(
    model: keras.Model, images: Any, labels: Any = None, loss: Any = None
) -> None:
    """Refuses a batch that does not fit the model, or a loss that fits neither.

    Cheap: it runs nothing, and looks at one batch only.

    Args:
        model: functional or sequential, built, with one input; of any other nothing
            is judged, and of several outputs none.
        images: a batch as `fit` is going to get it, (batch, height, width, channels),
            or what else the model takes.
        labels: those of the batch: integers (batch,), or one-hot or mixed (batch,
            classes). None: they are not looked at.
        loss: what `compile` takes; None: the one that the model was compiled with.

    Raises:
        UsageError: says what is wrong and what to write instead.
    """
    if not outputs.is_graph(model) or len(model.inputs) != 1:
        return
    images = np.asarray(images)
    pixels.check_shape(model, images)
    pixels.check_range(model, images)
    output = outputs.find_output(model)
    if output is None:
        return
    kind = describe_loss(getattr(model, "loss", None) if loss is None else loss)
    outputs.check_output(output, kind)
    if labels is not None:
        label_guard.check_labels(np.asarray(labels), len(images), output, kind)
