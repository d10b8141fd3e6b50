"""`kerastpu tune plot FOLDER`: pictures of a search."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from kerastpu.cli import parsing


@dataclass(frozen=True)
class PlotArguments:
    """Draws each study: curves, timeline, parallel coordinates, importance."""

    folder: tyro.conf.Positional[Path]
    """Of the search, or of one of its studies."""
    out: Path | None = None
    """Folder for the PNGs; None = plots in the folder of the search."""
    second: Literal["parameters", "latency_ms"] | None = None
    """Also what is wanted beside a low error, and the sets that none beats in both."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(PlotArguments, arguments, "tune plot")
    from kerastpu import plotting
    from kerastpu.errors import UsageError
    from kerastpu.tuning import opening, plots, space_plots

    out = parsed.out or parsed.folder / "plots"
    studies = opening.studies(parsed.folder)
    out.mkdir(parents=True, exist_ok=True)
    for one in studies:
        drawn: dict[str, Callable] = {
            "curves": plots.curves,
            "timeline": plots.timeline,
            "parallel": space_plots.parallel,
            "importance": space_plots.importances,
        }
        if parsed.second is not None:
            drawn["trade-off"] = functools.partial(
                plots.trade_off, second=parsed.second
            )
        for name, draw in drawn.items():
            try:
                figure = draw(one.study, one.settings)
            except UsageError as error:  # too little is known for this one
                print(f"{one.name}: no {name}: {error}")
                continue
            path = out / f"{one.name}-{name}.png"
            plotting.save(figure, path)
            print(f"picture: {path}")
    return 0
