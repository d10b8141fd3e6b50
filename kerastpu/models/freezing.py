"""Which stages of a network train: `freeze`, and a table that shows it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import keras
import numpy as np

from kerastpu.errors import UsageError
from kerastpu.models.stages import HEAD_STAGE, Stage, find_stages

# The rates of dropouts that are switched off, so that `freeze` can undo itself.
_rates: weakref.WeakKeyDictionary[keras.layers.Dropout, float] = (
    weakref.WeakKeyDictionary()
)


def freeze(
    model: keras.Model,
    trainable_stages: int | None = 0,
    freeze_batch_norm: bool = False,
) -> None:
    """Lets the head and the last stages of a network train, and nothing else.

    What is frozen computes in training what it computes in inference: its BatchNorm
    uses and keeps the stored statistics (Keras does so for a layer that does not
    train), and its dropout, stochastic depth included, is switched off: noise from
    layers that cannot adapt to it would only make the features of training differ
    from those of inference.

    Call it before `compile`; each call starts anew from a model that trains whole. A
    saved model keeps what is frozen, but not the rate of dropouts that are off.

    Args:
        model: Changed in place; for its stages see `stages.find_stages`.
        trainable_stages: Stages that train, counted from the head, which is none of
            them and always trains: 0 = the head alone, None = all.
        freeze_batch_norm: Keep BatchNorm below the head in inference mode also where
            its stage trains: few images in a batch, or few batches, make statistics
            worse than those that came with the weights.

    Raises:
        UsageError: there are fewer stages than that.
    """
    stages = [stage for stage in find_stages(model) if stage.name != HEAD_STAGE]
    _check(trainable_stages, stages)
    num_trainable = len(stages) if trainable_stages is None else trainable_stages
    num_frozen = len(stages) - num_trainable
    for is_trainable in (False, True):  # on TensorFlow a model passes on only a change
        model.trainable = is_trainable
    for index, stage in enumerate(stages):
        for layer in map(model.get_layer, stage.layers):
            is_frozen = index < num_frozen
            layer.trainable = not is_frozen
            for inner in layer._flatten_layers():  # itself, and those inside of it
                if isinstance(inner, keras.layers.BatchNormalization):
                    inner.trainable = not (is_frozen or freeze_batch_norm)
                if isinstance(inner, keras.layers.Dropout):
                    _switch(inner, is_off=is_frozen)


def trainable_summary(model: keras.Model) -> str:
    """Returns a table of the stages: parameters, how many train, BatchNorm mode."""
    rows = [("stage", "layers", "parameters", "trainable", "BatchNorm")]
    for stage in find_stages(model):
        layers = [model.get_layer(name) for name in stage.layers]
        trainable = sum(
            int(np.prod(weight.shape))
            for layer in layers
            for weight in layer.trainable_weights
        )
        numbers = (f"{stage.num_parameters:,}", f"{trainable:,}")
        rows.append((stage.name, str(len(layers)), *numbers, _norm_mode(layers)))
    width = max(len(row[0]) for row in rows)
    return "\n".join(
        f"{name:<{width}}" + "".join(f"{cell:>14}" for cell in cells)
        for name, *cells in rows
    )


def _check(trainable_stages: int | None, stages: Sequence[Stage]) -> None:
    is_count = type(trainable_stages) is int and 0 <= trainable_stages <= len(stages)
    if trainable_stages is not None and not is_count:
        names = ", ".join(stage.name for stage in stages)
        raise UsageError(
            f"trainable_stages must be None or 0..{len(stages)}, as there are the "
            f"stages {names or '(none)'}; got {trainable_stages!r}"
        )


def _switch(dropout: keras.layers.Dropout, *, is_off: bool) -> None:
    """Sets the rate to 0, or back to what it was."""
    if is_off and dropout.rate:
        _rates[dropout] = dropout.rate
        dropout.rate = 0.0
    elif not is_off and dropout in _rates:
        dropout.rate = _rates.pop(dropout)


def _norm_mode(layers: Sequence[keras.layers.Layer]) -> str:
    modes = {
        "trains" if inner.trainable else "frozen"
        for layer in layers
        for inner in layer._flatten_layers()
        if isinstance(inner, keras.layers.BatchNormalization)
    }
    return "/".join(sorted(modes)) or "-"
