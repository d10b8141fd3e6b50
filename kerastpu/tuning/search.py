"""What every search can do, and which there are."""

from collections.abc import Sequence
from typing import Protocol

from kerastpu.errors import UsageError
from kerastpu.tuning.controls import Controls
from kerastpu.tuning.dimensions import Dimension
from kerastpu.tuning.halving import Halving
from kerastpu.tuning.trials import Job, Trial

LHS_HALVING = "lhs-halving"
SEARCHES = (LHS_HALVING, "random", "grid", "bayesian", "hyperband")
HALVING = (LHS_HALVING, "hyperband")  # which drop sets by themselves


class Search(Protocol):
    """Says what to train and is told how it went; see `Halving`."""

    trials: list[Trial]

    @property
    def is_over(self) -> bool:
        """Whether no trial is to be trained any more."""

    def ask(self) -> Job | None:
        """Returns what is to be trained next; None where others have to end first."""

    def tell(self, number: int, errors: Sequence[float]) -> None:
        """Takes the errors of the epochs of a job."""

    def hand_back(self, number: int) -> None:
        """Takes a job back whose worker has died."""


def build(
    name: str,
    space: Sequence[Dimension],
    *,
    controls: Controls,
    longest: int,
    seed: int,
    max_trials: int | None = None,
    epochs: int | None = None,
    initial: Sequence[Sequence[float | None]] = (),
) -> Search:
    """Returns a search that has not begun.

    Args:
        name: one of `SEARCHES`.
        space: what is searched.
        controls: of lhs-halving.
        longest: epochs of a trial that is not dropped, of the others.
        seed: of all that is random.
        max_trials: of random, grid and bayesian; None = until it is stopped.
        epochs: budget of lhs-halving; None = what the controls say.
        initial: places that lhs-halving tries beside its first sets.

    Raises:
        UsageError: there is no such search.
        MissingExtraError: KerasTuner, whose search it is, is not installed.
    """
    if name not in SEARCHES:
        raise UsageError(f"search must be one of {', '.join(SEARCHES)}; got {name!r}")
    if name == LHS_HALVING:
        return Halving(space, controls, seed, epochs, initial)
    from kerastpu import optional

    optional.check("keras_tuner")
    from kerastpu.tuning.kerastuner.search import KerasTunerSearch

    return KerasTunerSearch(name, space, longest, seed, max_trials)
