"""Pictures of results/tuning.csv: regret against epochs, by kind of problem."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from kerastpu import plotting

MARKERS = "osD^v"


def draw(table: Path, folder: Path) -> None:
    """Writes tuning_surfaces.png and tuning_replays.png into `folder`."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(dict.fromkeys(row["problem"] for row in rows))
    kinds = {
        "surfaces": [name for name in names if "-" in name],
        "replays": [name for name in names if "-" not in name],
    }
    for kind, chosen in kinds.items():
        if chosen:
            plotting.save(_figure(rows, chosen), folder / f"tuning_{kind}.png")


def _figure(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> Figure:
    columns = min(3, len(names) + 1)
    lines = -(-(len(names) + 1) // columns)
    figure = Figure(figsize=(3.4 * columns, 3.0 * lines), layout="constrained")
    panels = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, [row for row in rows if row["problem"] == name], name)
    handles, labels = panels[0].get_legend_handles_labels()
    for axes in panels[len(names) :]:
        axes.axis("off")
    panels[len(names)].legend(
        handles,
        labels,
        loc="center",
        frameon=False,
        fontsize=9,
        title="median, 95 % interval",
    )
    return figure


def _panel(axes, rows: Sequence[Mapping[str, str]], name: str) -> None:
    searches = list(dict.fromkeys(row["search"] for row in rows))
    for index, search in enumerate(searches):
        mine = [row for row in rows if row["search"] == search]
        epochs = [int(row["epochs"]) * 1.02 ** (index - 2) for row in mine]
        middle, low, high = (
            [float(row[key]) for row in mine]
            for key in ("regret_points", "low", "high")
        )
        is_ours = not search.startswith("peer: ")
        color = plotting.COLORS[index % len(plotting.COLORS)]
        axes.fill_between(epochs, low, high, color=color, alpha=0.12, lw=0)
        axes.plot(
            epochs,
            middle,
            color=color,
            marker=MARKERS[index % len(MARKERS)],
            ms=4,
            lw=2.2 if is_ours else 1.2,
            ls="-" if is_ours else "--",
            label=search.removeprefix("peer: "),
            zorder=3 if is_ours else 2,
        )
    ticks = sorted({int(row["epochs"]) for row in rows})
    axes.set(xscale="log", yscale="log", title=name)
    axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=8)
    axes.minorticks_off()
    axes.set_xlabel("epochs of all trials", fontsize=9)
    axes.set_ylabel("regret (points)", fontsize=9)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
