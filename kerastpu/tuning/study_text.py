"""A study as text: its trials, how far it is, how long it will take."""

import math
from collections.abc import Sequence
from typing import Any

from kerastpu import text_table
from kerastpu.tuning import search as searches
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study
from kerastpu.tuning.trials import DROPPED, FAILED, FINISHED, RUNNING, Trial, level

_ORDER = {RUNNING: 0, FINISHED: 1}  # then the others; those that failed last


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Returns trials, the best first: trained furthest, then the lowest error."""

    def key(trial: Trial) -> tuple[bool, int, float]:
        error = level(trial.curve) if trial.curve else math.inf
        return trial.state == FAILED, -trial.epochs, error

    return sorted(trials, key=key)


def table(study: Study, made: Settings, limit: int | None = None) -> list[str]:
    """Returns the trials as lines, the best first.

    Args:
        study: as far as it is.
        made: its settings.
        limit: of the rows; None = all.
    """
    names = [dimension.name for dimension in made.space]
    short = _short(names)
    known = [trial for trial in study.trials if trial.number in study.facts]
    trials = ranked(known)[:limit]
    rows = []
    for trial in trials:
        facts = study.facts[trial.number]
        errors = study.errors(trial.number)
        rows.append(
            [
                str(trial.number),
                _state(trial, facts.reason),
                f"{len(errors)}/{made.config.training.epochs}",
                f"{errors[-1]:.2%}" if errors else "-",
                f"{min(errors):.2%}" if errors else "-",
                f"{facts.seconds:.0f}",
                *(_value(trial.values.get(name)) for name in names),
            ]
        )
    header = ["trial", "state", "epochs", "error", "lowest", "seconds", *short]
    return text_table.lines(header, rows, [*header[2:6], "trial", *short])


def headline(study: Study, made: Settings) -> str:
    """Returns one line: what is done, the best so far, the time left."""
    running = sum(trial.state == RUNNING for trial in study.trials)
    parts = [
        f"{made.search}: {len(study.facts)} trials ({running} running)",
        f"{study.epochs} epochs",
        f"{study.seconds:.0f} s",
    ]
    usable = [trial for trial in study.trials if trial.is_usable]
    if usable:
        best = study.best()
        parts.append(
            f"best: trial {best.number}, {best.curve[-1]:.2%} wrong after {best.epochs}"
        )
    left = seconds_left(study, made)
    if left is not None and not study.is_over:
        parts.append(f"about {left:.0f} s left")
    return ", ".join(parts)


def seconds_left(study: Study, made: Settings) -> float | None:
    """Returns about how long a study will go on; None where it cannot be told."""
    if made.budget.seconds is not None:
        return max(0.0, made.budget.seconds - study.seconds)
    total = planned_epochs(made)
    if total is None or not study.epochs:
        return None
    left = max(0, total - study.epochs)
    return left * study.seconds / study.epochs


def planned_epochs(made: Settings) -> int | None:
    """Returns the epochs of a whole study, at most; None where they are not known."""
    if made.budget.epochs is not None:
        return made.budget.epochs
    if made.search == searches.LHS_HALVING and made.budget.seconds is None:
        controls = made.controls
        refills = controls.refills * controls.cost(controls.refill_size)
        return controls.cost(controls.num_trials + 1) + refills
    if made.budget.trials is not None:
        return made.budget.trials * made.config.training.epochs
    return None


def _short(names: Sequence[str]) -> list[str]:
    """Returns the last part of each name, or all of it where two would be the same."""
    lasts = [name.rpartition(".")[2] for name in names]
    return [
        last if lasts.count(last) == 1 else name
        for last, name in zip(lasts, names, strict=True)
    ]


def _state(trial: Trial, reason: str) -> str:
    if trial.state in (DROPPED, FINISHED, RUNNING) or not reason:
        return trial.state
    return f"{trial.state}: {reason}"[:28]


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
