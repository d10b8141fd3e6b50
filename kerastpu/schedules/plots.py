"""Pictures of learning rates: one run, all shapes side by side, a range test."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kerastpu.lr_range import RangeTest
from kerastpu.plotting import BLUE, GRAY, VERMILION
from kerastpu.schedules.curves import Curve
from kerastpu.schedules.shapes import LearningRateFunction

_COLUMNS = 4


def run(curve: Curve, steps_per_epoch: int) -> Figure:
    """Learning rate of every step of a run, over epochs."""
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    _draw(axes, curve, curve.total_steps, steps_per_epoch)
    axes.set(
        xlabel="Epoch", ylabel="Learning rate", title=f"Learning rate: {curve.name}"
    )
    return figure


def compare(
    rates: Mapping[str, LearningRateFunction], epochs: int, steps_per_epoch: int
) -> Figure:
    """Several runs of one length, a small picture each, on the same axes."""
    num_rows = -(-len(rates) // _COLUMNS)
    figure = Figure(figsize=(2.8 * _COLUMNS, 2.2 * num_rows), layout="constrained")
    grid = figure.subplots(num_rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(rates) :]:
        axes.set_visible(False)
    for axes in grid.flat[: len(rates)][-_COLUMNS:]:  # nothing is below these
        axes.tick_params(labelbottom=True)
    for axes, (title, rate) in zip(grid.flat, rates.items(), strict=False):
        _draw(axes, rate, epochs * steps_per_epoch, steps_per_epoch)
        axes.set_title(title, fontsize=10)
    figure.supxlabel("Epoch")
    figure.supylabel("Learning rate")
    return figure


def range_test(result: RangeTest) -> Figure:
    """Loss by learning rate, and where the suggestions lie."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    rates, raw = result.rates, result.raw_losses
    axes.plot(rates, raw, color=GRAY, alpha=0.35, lw=1, label="loss of a batch")
    axes.plot(rates, result.losses, color=BLUE, label="loss, smoothed")
    marks = {
        "loss falls fastest": (result.steepest, ":"),
        "tenth of the lowest point": (result.tenth_of_minimum, "--"),
    }
    for name, (rate, style) in marks.items():
        if rate is not None:
            label = f"{name}: {rate:.2g}"
            axes.axvline(rate, color=VERMILION, ls=style, lw=1.2, label=label)
    axes.set(
        xscale="log",
        xlabel="Learning rate",
        ylabel="Loss (nats)",
        title="Range test",
        xlim=(rates[0], rates[-1]),
        ylim=_limits(result),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", framealpha=0.9, edgecolor="none")
    return figure


def _draw(
    axes: Axes, rate: LearningRateFunction, total_steps: int, steps_per_epoch: int
) -> None:
    steps = np.arange(total_steps + 1)
    values = [rate(step) for step in range(total_steps)]
    values.append(values[-1])  # the last step, too, has a right edge
    axes.step(steps / steps_per_epoch, values, where="post", color=BLUE)
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.grid(alpha=0.3)


def _limits(result: RangeTest) -> tuple[float, float]:
    """Keeps a loss that has exploded from flattening everything else."""
    low = min(result.losses)
    high = max(result.losses[: int(np.argmin(result.losses)) + 1])
    margin = 0.3 * (high - low) + 0.05 * abs(high)
    return low - margin, high + 2 * margin
