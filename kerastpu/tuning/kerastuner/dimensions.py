"""KerasTuner's hyperparameters as dimensions of a space."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner import HyperParameters
from keras_tuner.engine import hyperparameters as kt

from kerastpu.tuning.dimensions import Dimension


class HyperParameterDimension:
    """One hyperparameter, of whichever kind.

    Args:
        hp: it is asked for its values; `step` and `sampling` are its own.
    """

    def __init__(self, hp: Any):
        self.hp = hp
        self.name: str = hp.name
        self.conditions = tuple((c.name, tuple(c.values)) for c in hp.conditions)
        self.num_values = _num_values(hp)
        self.is_ordered = bool(getattr(hp, "ordered", True))

    def value(self, unit: float) -> Any:
        """Returns the value at `unit`, 0 <= unit < 1."""
        return self.hp.prob_to_value(unit)

    def unit(self, value: Any) -> float:
        """Returns a place in 0..1 at which `value` lies."""
        return float(self.hp.value_to_prob(value))

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Whether it counts, given the values of the dimensions before it."""
        return all(condition.is_active(values) for condition in self.hp.conditions)


def of_space(hyperparameters: HyperParameters) -> list[Dimension]:
    """Returns a dimension for each hyperparameter that has more than one value."""
    space: Sequence[Any] = hyperparameters.space
    return [HyperParameterDimension(hp) for hp in space if not isinstance(hp, kt.Fixed)]


def _num_values(hp: Any) -> int | None:
    """Returns how many equally likely values there are; None = not counted."""
    if isinstance(hp, kt.Boolean):
        return 2
    if isinstance(hp, kt.Choice) or getattr(hp, "step", None) is not None:
        return len(list(hp.values))
    return None
