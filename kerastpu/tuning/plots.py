"""Pictures of a study over its epochs: curves, and what was dropped when."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kerastpu.errors import UsageError
from kerastpu.plotting import BLUE, COLORS, GRAY, VERMILION
from kerastpu.tuning import pareto, study_text
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study
from kerastpu.tuning.trials import DROPPED, FAILED, FINISHED, STOPPED, Trial

Second = Literal["parameters", "latency_ms"]

_TOP = 3
_ENDS = {
    FINISHED: ("o", COLORS[2], "finished"),
    DROPPED: ("x", VERMILION, "dropped"),
    STOPPED: ("s", COLORS[4], "stopped"),
    FAILED: ("X", "black", "failed"),
}
_LABELS = {
    "parameters": "Parameters of the trained part",
    "latency_ms": "Latency of the trained part (ms)",
}


def curves(study: Study, made: Settings) -> Figure:
    """Validation loss of every set against its cumulative epochs, three labeled."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    trials = [trial for trial in study_text.ranked(study.trials) if _rows(study, trial)]
    for trial in trials[_TOP:]:
        losses = _losses(study, trial)
        axes.plot(
            range(1, len(losses) + 1),
            losses,
            "-",
            color="#BBBBBB",
            lw=1,
            ms=2.5,
            marker="." if len(losses) == 1 else "",
        )
    for place, trial in enumerate(trials[:_TOP]):
        losses = _losses(study, trial)
        axes.plot(
            range(1, len(losses) + 1),
            losses,
            color=COLORS[place],
            lw=2,
            ls=("-", "--", ":")[place],
            label=f"set {trial.number}: {trial.curve[-1]:.2%} wrong"
            if trial.curve
            else f"set {trial.number}",
        )
    for end in made.controls.rungs[:-1] if made.search == "lhs-halving" else ():
        axes.axvline(end, color=GRAY, lw=0.8, ls=":")
    axes.set(xlabel="Epochs of the set", ylabel="Validation loss (nats)")
    axes.set_title(
        f"{len(trials)} sets; the best three in color", fontsize=10, loc="left"
    )
    _clip(axes, [loss for trial in trials for loss in _losses(study, trial)])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def timeline(study: Study, made: Settings) -> Figure:
    """Which set had which epoch of the whole search, and how it ended."""
    done = sorted(
        (row["seconds"], number)
        for number, facts in study.facts.items()
        for row in facts.rows
    )
    figure = Figure(
        figsize=(8, max(3.0, 1.2 + 0.16 * len(study.trials))), layout="constrained"
    )
    axes = figure.subplots()
    places: dict[int, list[int]] = {}
    for place, (_, number) in enumerate(done, start=1):
        places.setdefault(number, []).append(place)
    for number, mine in places.items():
        axes.plot(mine, [number] * len(mine), "|", color=BLUE, ms=5)
    for state, (marker, color, label) in _ENDS.items():
        ended = [
            t.number for t in study.trials if t.state == state and t.number in places
        ]
        if ended:
            ends = [places[number][-1] for number in ended]
            axes.plot(ends, ended, marker, color=color, ms=6, label=label)
    axes.set(xlabel="Epochs of all sets together", ylabel="Set")
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("Each bar is an epoch", fontsize=10, loc="left")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def trade_off(study: Study, made: Settings, second: Second) -> Figure:
    """Error against parameters or latency; what no other set beats in both is joined.

    Raises:
        UsageError: no set has both.
    """
    found = [
        (trial, getattr(study.facts[trial.number], second))
        for trial in study.trials
        if trial.is_usable and getattr(study.facts[trial.number], second) is not None
    ]
    if not found:
        raise UsageError(f"no trial has {second} yet")
    points = [(float(cost), 100 * min(trial.curve)) for trial, cost in found]
    best = pareto.front(points)
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    costs, errors = np.array(points).T
    epochs = np.array([trial.epochs for trial, _ in found])
    drawn = axes.scatter(costs, errors, c=epochs, cmap="cividis", s=28, zorder=3)
    figure.colorbar(drawn, ax=axes, label="Epochs of the set")
    axes.step(
        costs[best],
        errors[best],
        where="post",
        color=VERMILION,
        zorder=2,
        label="beaten by none in both",
    )
    for i in best:
        axes.annotate(f" {found[i][0].number}", points[i], fontsize=9)
    axes.set(xlabel=_LABELS[second], ylabel="Lowest validation error (%)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def _rows(study: Study, trial: Trial) -> Sequence[dict[str, float]]:
    facts = study.facts.get(trial.number)
    return facts.rows if facts else ()


def _losses(study: Study, trial: Trial) -> list[float]:
    return [row["val_loss"] for row in _rows(study, trial)]


def _clip(axes: Axes, losses: Sequence[float]) -> None:
    """Leaves out of the picture what is far above the others: it says nothing."""
    finite = np.array([loss for loss in losses if np.isfinite(loss)])
    if len(finite):
        low, high = finite.min(), min(finite.max(), 3 * np.quantile(finite, 0.75))
        axes.set_ylim(max(0.0, low - 0.08 * (high - low)), high * 1.03 + 1e-9)
