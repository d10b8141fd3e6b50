"""Pictures of a study over its settings: parallel coordinates, importance."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from kerastpu.plotting import BLUE
from kerastpu.tuning import importance
from kerastpu.tuning.dimensions import Dimension
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study
from kerastpu.tuning.trials import level

_TICKS = 4
_MAX_CHOICES = 6  # whose names are all written


def parallel(study: Study, made: Settings) -> Figure:
    """One line for each set through its settings, its color the error it reached."""
    trials = [trial for trial in study.trials if trial.is_usable]
    space = made.space
    figure = Figure(figsize=(1.6 + 1.7 * (len(space) + 1), 4.5), layout="constrained")
    axes = figure.subplots()
    errors = np.array([100 * level(trial.curve) for trial in trials])
    top = float(np.quantile(errors, 0.9)) if len(errors) else 1.0
    bottom = float(errors.min()) if len(errors) else 0.0
    norm = Normalize(bottom, max(top, bottom + 1e-9))
    colors = colormaps["cividis"]
    for i in np.argsort(-errors):  # the best on top
        heights = [np.nan if u is None else u for u in trials[i].units]
        error = (min(errors[i], top) - bottom) / max(top - bottom, 1e-9)
        axes.plot(
            range(len(space) + 1),
            [*heights, error],
            color=colors(norm(errors[i])),
            lw=2 if errors[i] == bottom else 1,
            alpha=0.85,
        )
    for place, dimension in enumerate(space):
        _axis(axes, place, *_ticks(dimension))
    shown = np.linspace(bottom, top, _TICKS)
    _axis(
        axes, len(space), list(np.linspace(0, 1, _TICKS)), [f"{e:.1f}" for e in shown]
    )
    names = [dimension.name.rpartition(".")[2] for dimension in space]
    axes.set_xticks(range(len(space) + 1), [*names, "error (%)"])
    axes.set_yticks([])
    axes.set_xlim(-0.2, len(space) + 0.5)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    figure.colorbar(
        ScalarMappable(norm, colors), ax=axes, label="Validation error (%)", pad=0.01
    )
    axes.set_title("A set is a line; the best one is thick", fontsize=10, loc="left")
    return figure


def importances(study: Study, made: Settings) -> Figure:
    """How much each setting counts by itself; see `importance.main_effects`.

    Raises:
        UsageError: too few trials have a result.
    """
    rungs = made.controls.rungs if made.search == "lhs-halving" else ()
    found = importance.main_effects(
        made.space, study.trials, rungs or [made.config.training.epochs]
    )
    names = list(found)[::-1]
    figure = Figure(figsize=(7, 1.4 + 0.4 * len(names)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(names, [100 * found[name] for name in names], color=BLUE)
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set(xlabel="Share of the error's variance (%)", xlim=(0, 110))
    axes.set_title("What each setting does by itself", fontsize=10, loc="left")
    return figure


def _ticks(dimension: Dimension) -> tuple[list[float], list[str]]:
    """Returns places in 0..1 and what is written there."""
    count = dimension.num_values
    if count is not None and count <= _MAX_CHOICES:
        places = [(i + 0.5) / count for i in range(count)]
    else:
        places = list(np.linspace(0, 1 - 1e-9, _TICKS))
    return places, [_text(dimension.value(place)) for place in places]


def _text(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _axis(axes: object, place: int, heights: Sequence[float], texts: list[str]) -> None:
    axes.axvline(place, color="#888888", lw=0.8, zorder=0)  # type: ignore[attr-defined]
    for height, text in zip(heights, texts, strict=True):
        axes.annotate(  # type: ignore[attr-defined]
            text,
            (place + 0.04, height),
            fontsize=8,
            va="center",
            bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.5},
        )
