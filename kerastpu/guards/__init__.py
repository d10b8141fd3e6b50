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
            or what else the model takes; also as the one element of a list, tuple or
            dict. Arrays of objects are not judged.
        labels: those of the batch: integers (batch,), or one-hot or mixed (batch,
            classes), or the one element of a list, tuple or dict. None: they are not
            looked at.
        loss: what `compile` takes; None: the one that the model was compiled with.

    Raises:
        UsageError: says what is wrong and what to write instead.
    """
    if not outputs.is_graph(model) or len(model.inputs) != 1:
        return
    images, labels = _as_array(images), _as_array(labels)
    if images is not None:
        if images.shape[:1] == (0,):
            return
        images = pixels.match_rank(model, images)
        pixels.check_shape(model, images)
        pixels.check_range(model, images)
    output = outputs.find_output(model)
    if output is None:
        return
    kind = describe_loss(getattr(model, "loss", None) if loss is None else loss)
    outputs.check_output(output, kind)
    if images is not None and labels is not None:
        label_guard.check_labels(labels, len(images), output, kind)


def _as_array(batch: Any) -> np.ndarray | None:
    """Returns the one array of a batch; None: it has none that can be judged."""
    while _wraps_one(batch):
        (batch,) = batch.values() if isinstance(batch, dict) else batch
    try:
        array = np.asarray(batch)
    except ValueError:  # ragged
        return None
    return None if array.dtype == object else array


def _wraps_one(batch: Any) -> bool:
    """Returns whether it is a structure of one array, not a list of numbers."""
    if not isinstance(batch, list | tuple | dict) or len(batch) != 1:
        return False
    return isinstance(batch, dict) or len(getattr(batch[0], "shape", ())) > 0
