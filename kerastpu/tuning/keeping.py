"""Which sets of an iteration go on: the rules of a drop."""

from collections.abc import Iterable, Sequence

from kerastpu.tuning import proposals
from kerastpu.tuning.controls import Controls
from kerastpu.tuning.dimensions import Dimension
from kerastpu.tuning.trials import FAILED, Trial, level, outlook

_CHANCE = 0.2  # of a lower error at the end, below which a set of a refill is dropped


def kept(
    space: Sequence[Dimension],
    controls: Controls,
    trials: Sequence[Trial],
    resting: Sequence[Trial],
) -> list[Trial]:
    """Returns those of an iteration that go on.

    Of the first sets the best; where two or more are kept, one place of them is spare:
    see `_spare`. Of a refill, those with a chance to end below the best one that has
    been trained to its end.

    Args:
        space: d dimensions.
        controls: the four controls.
        trials: all sets so far.
        resting: those of one cohort that have come to the end of one iteration.
    """
    rungs = controls.rungs
    end, is_refill = rungs[resting[0].rung], resting[0].cohort > 0
    rivals = [t for t in trials if t.epochs >= end and t.state != FAILED]
    whole = [level(t.curve) for t in rivals if t.epochs >= rungs[-1]]
    if is_refill and whole:
        chances = proposals.chances(space, trials, rungs, resting, min(whole))
        pairs = zip(resting, chances, strict=True)
        return [trial for trial, chance in pairs if chance > _CHANCE]
    order = sorted(rivals, key=lambda trial: level(trial.curve[:end]))
    num_kept = controls.kept(len(rivals if is_refill else resting))
    has_room = 2 <= num_kept < len(resting)
    best = {trial.number for trial in order[: num_kept - has_room]}
    others = [trial for trial in resting if trial.number not in best]
    if has_room and others:
        leaders = [trial for trial in resting if trial.number in best]
        best.add(_spare(space, leaders, others, rungs, end).number)
    return [trial for trial in resting if trial.number in best]


def _spare(
    space: Sequence[Dimension],
    leaders: Sequence[Trial],
    others: Sequence[Trial],
    rungs: Sequence[int],
    end: int,
) -> Trial:
    """Returns the set that goes on though it is not among the best: curves cross.

    It is the best of those with a value of a choice without order that none of the
    leaders has: how numbers do later can be guessed from their neighbours, but nothing
    else tells it of such a value. Where the leaders have them all, it is the one that
    falls fastest.
    """
    seen = _values(space, leaders)
    unseen = [trial for trial in others if _values(space, [trial]) - seen]
    if unseen:
        return min(unseen, key=lambda trial: level(trial.curve[:end]))
    return min(others, key=lambda trial: outlook(trial.curve[:end], rungs[-1]))


def _values(
    space: Sequence[Dimension], trials: Iterable[Trial]
) -> set[tuple[str, str]]:
    """Returns (setting, value) of the choices without order of some sets."""
    names = {dimension.name for dimension in space if not dimension.is_ordered}
    return {
        (name, repr(value))
        for trial in trials
        for name, value in trial.values.items()
        if name in names
    }
