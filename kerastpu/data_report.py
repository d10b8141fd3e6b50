"""The folder that `kerastpu data inspect --out` leaves: figures, text and pictures."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from data_pipelines.inspection.class_sheet import class_sheet
from data_pipelines.inspection.inspect import Inspection
from data_pipelines.sources.source import Source
from kerastpu import data_text, files, plotting

FIGURES, REPORT = "inspection.json", "report.md"
SHEET, CHART = "contact_sheet.png", "class_counts.png"
MAX_NAMED_BARS = 60
MAX_NAME = 30  # letters: longer names would leave no room for the bars
_COLORS = {
    "train": plotting.BLUE,
    "validation": plotting.VERMILION,
    "test": plotting.GRAY,
}


def write(inspection: Inspection, source: Source, folder: Path) -> None:
    """Writes inspection.json, report.md, contact_sheet.png and class_counts.png.

    Args:
        inspection: what was found.
        source: gives the images of the contact sheet.
        folder: made if it is not there; files of these names are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = json.dumps(inspection.to_dict(), indent=2)
    files.write_text(folder / FIGURES, figures + "\n")
    plotting.save(class_counts(inspection), folder / CHART)
    with files.replacing(folder / SHEET) as temporary:
        class_sheet(source).save(temporary, "PNG")
    text = data_text.of_inspection(inspection)
    pictures = f"![Images per class]({CHART})\n\n![Images of each class]({SHEET})"
    files.write_text(
        folder / REPORT, f"# Inspection\n\n```\n{text}\n```\n\n{pictures}\n"
    )


def class_counts(inspection: Inspection) -> Figure:
    """Images per class as bars, one color for each split."""
    num_classes = len(inspection.class_names)
    height = 1.2 + 0.28 * min(num_classes, MAX_NAMED_BARS)
    figure = Figure(figsize=(8, max(2.4, height)), layout="constrained")
    axes = figure.subplots()
    rows, left = np.arange(num_classes), np.zeros(num_classes)
    for split, counts in inspection.class_counts.items():
        if any(counts):
            axes.barh(rows, counts, left=left, color=_COLORS[split], label=split)
            left += counts
    if num_classes <= MAX_NAMED_BARS:
        names = [_short(name) for name in inspection.class_names]
        axes.set_yticks(rows, names, parse_math=False)  # a $ is no formula
        for row, count in enumerate(left):
            axes.annotate(
                f"{count:,.0f}",
                xy=(count, row),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
            )
    axes.set_ylim(num_classes - 0.4, -0.6)  # the first class on top
    axes.set_xlim(right=left.max() * 1.1)
    axes.set(
        xlabel="Images",
        ylabel="" if num_classes <= MAX_NAMED_BARS else "Class number",
        title=f"{inspection.num_images:,} images in {num_classes:,} classes",
    )
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def _short(name: str) -> str:
    text = data_text.printable(name)
    return text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 3]}..."
