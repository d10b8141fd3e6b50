"""What is common to all places that trained weights come from."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import keras


class Availability(NamedTuple):
    """Whether weights can be loaded without a network, in one line for people.

    Attributes:
        is_here: Whether they lie on this machine.
        text: Where they lie, else how to get them.
    """

    is_here: bool
    text: str


class WeightSource(abc.ABC):
    """Trained weights of one network that are known by a name.

    Attributes:
        licence: Licence of the weights, as their publisher states it.
        origin: Who trained or converted them, and where that is written.
    """

    licence: str
    origin: str

    @abc.abstractmethod
    def availability(self) -> Availability:
        """Looks where the weights are; loads and downloads nothing."""

    @abc.abstractmethod
    def load(self, model: keras.Model) -> None:
        """Fills `model`; a classifier of another number of classes stays random.

        Args:
            model: The network that the weights are of, with or without its classifier,
                for images of any size; changed in place.

        Raises:
            MissingExtraError: they come from a package that is not installed.
            KerastpuError: they cannot be had, are damaged or do not fit; the model is
                then as it was.
        """
