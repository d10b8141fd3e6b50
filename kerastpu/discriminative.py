"""Discriminative learning rates: layers far from the output take smaller steps.

Source: Howard and Ruder, 2018, arXiv:1801.06146, section 3.2 (ULMFiT), with the stages
of a network as its groups of layers. Works on any Keras optimizer: the learning rate of
a variable, and with it its weight decay, is the optimizer's times a factor of its own.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from kerastpu.errors import UsageError
from kerastpu.models.stages import find_stages


def stage_multipliers(model: keras.Model, stage_decay: float) -> list[float]:
    """Returns the factor on the learning rate of each variable that trains.

    Args:
        model: Its stages are `stages.find_stages`. The head has the factor 1, the last
            stage `stage_decay`, the one before it `stage_decay` squared and so on;
            without a head the last stage has 1.
        stage_decay: Above 0, at most 1; ULMFiT's is 1 / 2.6.

    Returns:
        A factor for each of `model.trainable_variables`, in their order.

    Raises:
        UsageError: `stage_decay` is out of range.
    """
    if not 0 < stage_decay <= 1:
        raise UsageError(f"stage_decay must be above 0, at most 1; got {stage_decay!r}")
    factors = {
        id(variable): stage_decay**distance
        for distance, stage in enumerate(reversed(find_stages(model)))
        for name in stage.layers
        for variable in model.get_layer(name).trainable_variables
    }
    return [factors[id(variable)] for variable in model.trainable_variables]


def scale(
    optimizer: keras.optimizers.Optimizer, multipliers: Sequence[float]
) -> keras.optimizers.Optimizer:
    """Gives variables learning rates of their own.

    The optimizer becomes a subclass of its class in place, as a copy made from its
    config would lose what a config does not hold, such as the variables that are
    excluded from weight decay. Its learning rate, schedule, iterations and state stay
    what they are. A model saved with it loads after `import kerastpu.discriminative`.

    Args:
        optimizer: Not yet built; a LossScaleOptimizer passes it on to the optimizer
            inside.
        multipliers: Factor on the learning rate of each variable, 0 or more, in the
            order in which the optimizer is going to get them: that of
            `model.trainable_variables`.

    Returns:
        `optimizer`, itself.

    Raises:
        UsageError: it is built, or a factor is not a finite number of 0 or more.
    """
    for factor in multipliers:
        if not (math.isfinite(factor) and factor >= 0):
            raise UsageError(f"multipliers must be finite and >= 0; got {factor!r}")
    if optimizer.built:
        raise UsageError("learning rates are scaled before the optimizer's first step")
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    base: Any = type(inner)
    if not issubclass(base, Discriminative):
        inner.__class__ = _subclass(base)
    inner.multipliers = tuple(multipliers)
    return optimizer


class Discriminative(keras.optimizers.Optimizer):
    """What is put before an optimizer's class: a factor for each variable.

    Args:
        multipliers: Factor on the learning rate of each variable.
    """

    _factor_in_use = 1.0

    def __init__(self, *args: Any, multipliers: Sequence[float], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.multipliers = tuple(multipliers)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Makes the state.

        Raises:
            UsageError: there are more or fewer variables than multipliers.
        """
        if len(variables) != len(self.multipliers):
            raise UsageError(
                f"there are {len(self.multipliers)} multipliers for {len(variables)} "
                "variables; freeze the model first, then make them"
            )
        super().build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable at its own rate."""
        rate = learning_rate * self._factor(variable)
        super().update_step(gradient, variable, rate)

    def get_config(self) -> dict[str, Any]:
        """Returns the optimizer's config and the multipliers."""
        return super().get_config() | {"multipliers": list(self.multipliers)}

    def _factor(self, variable: Any) -> float:
        return self.multipliers[self._get_variable_index(variable)]

    def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
        """Decays the variables of one factor after those of another."""
        by_factor = sorted(variables, key=self._factor)
        for factor, group in itertools.groupby(by_factor, key=self._factor):
            with self._at_factor(factor):
                super()._apply_weight_decay(list(group))

    @contextlib.contextmanager
    def _at_factor(self, factor: float) -> Iterator[None]:
        """Lets the learning rate be `factor` times what it is.

        Replicas in threads of their own may share it: they wait for each other in each
        update, all at the same factor.
        """
        self._factor_in_use = factor
        try:
            yield
        finally:
            self._factor_in_use = 1.0

    def _get_current_learning_rate(self) -> Any:
        rate = super()._get_current_learning_rate()
        return rate if self._factor_in_use == 1 else rate * self._factor_in_use


@functools.cache
def _subclass(base: Any) -> type:
    kind = type(f"Discriminative{base.__name__}", (Discriminative, base), {})
    return keras.saving.register_keras_serializable("kerastpu")(kind)


# Registered on import, so that a saved optimizer can be loaded.
for _base in tuple(vars(keras.optimizers).values()):
    if isinstance(_base, type) and issubclass(_base, keras.optimizers.Optimizer):
        _subclass(_base)
