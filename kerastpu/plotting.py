"""The pictures of a run, as PNG: legible, color-blind safe, no global state."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kerastpu import files
from kerastpu.evaluation import Evaluation

# Okabe & Ito (2008), chosen to be told apart by color-blind readers.
BLUE, VERMILION, GRAY = "#0072B2", "#D55E00", "#555555"
COLORS = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":")
MAX_ANNOTATED_CLASSES = 30


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as PNG, whole or not at all."""
    with files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=120, bbox_inches="tight", format="png")


def _label(name: str) -> str:
    """Returns a class name as matplotlib can draw it: no formulas, no lone bytes."""
    return name.encode("utf-8", "replace").decode().replace("$", r"\$")


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Reads metrics.csv.

    Returns:
        Column name -> float (epochs,).
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = rows[0].keys() if rows else ()
    return {name: np.array([float(row[name]) for row in rows]) for name in names}


def training_curves(history: dict[str, np.ndarray]) -> Figure:
    """Loss and accuracy by epoch, training beside validation."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = np.arange(1, len(history["loss"]) + 1)
    best = int(np.argmin(history["val_loss"]))
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        percent = 100 if name == "accuracy" else 1
        label = "Accuracy (%)" if name == "accuracy" else "Loss (nats)"
        train, validation = history[name] * percent, history[f"val_{name}"] * percent
        axes.plot(epochs, train, color=BLUE, label="training")
        axes.plot(epochs, validation, color=VERMILION, ls="--", label="validation")
        axes.axvline(best + 1, color=GRAY, lw=0.8, ls=":", label="epoch kept")
        axes.set(xlabel="Epoch", ylabel=label, title=label.split(" (")[0])
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
    return figure


def learning_rates(rates: Sequence[float], steps_per_epoch: int) -> Figure:
    """Learning rate of every optimizer step, over epochs."""
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(len(rates)) / steps_per_epoch, rates, color=BLUE)
    axes.set(xlabel="Epoch", ylabel="Learning rate", title="Learning rate")
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.grid(alpha=0.3)
    return figure


def compared_runs(histories: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Validation loss and accuracy of several runs, each with its epoch kept.

    Args:
        histories: name of the run -> column of its metrics.csv -> a value per epoch.
    """
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    panels = figure.subplots(1, 2)
    for index, (name, history) in enumerate(histories.items()):
        color, dashes = COLORS[index % len(COLORS)], DASHES[index // len(COLORS) % 3]
        epochs = np.arange(1, len(history["val_loss"]) + 1)
        losses = np.asarray(history["val_loss"])
        best = int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
        for axes, column, percent in zip(
            panels, ("val_loss", "val_accuracy"), (1, 100), strict=True
        ):
            values = np.asarray(history[column]) * percent
            axes.plot(epochs, values, color=color, ls=dashes, label=_label(name))
            axes.plot(epochs[best], values[best], "o", color=color, ms=5)
    for axes, label in zip(panels, ("loss (nats)", "accuracy (%)"), strict=True):
        axes.set(xlabel="Epoch", ylabel=f"Validation {label}")
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[0].set_title("Dots: the epoch kept", fontsize=10, loc="left")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    return figure


def confusion_matrix(evaluation: Evaluation) -> Figure:
    """Share of each true class by predicted class, with the counts written in."""
    counts = np.array(evaluation.confusion)
    names = [_label(score.name) for score in evaluation.classes]
    num_classes = len(names)
    side = min(16.0, 3.0 + 0.5 * num_classes)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    axes.set_xticks(range(num_classes), names, rotation=45, ha="right")
    axes.set_yticks(range(num_classes), names)
    low, high = evaluation.interval
    axes.set(
        xlabel="predicted",
        ylabel="true",
        title=f"{evaluation.split}: {evaluation.accuracy:.1%} of {evaluation.count} "
        f"right\n95 % interval {low:.1%} to {high:.1%}",
    )
    if num_classes <= MAX_ANNOTATED_CLASSES:
        for row, column in zip(*np.nonzero(counts), strict=True):
            color = "white" if shares[row, column] > 0.5 else "black"
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", color=color)
    return figure


def prediction_grid(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    columns: int = 6,
) -> Figure:
    """Pictures with what the model says of them; wrong titles are red.

    Args:
        images: uint8 (N, H, W, 3), or (N, H, W, 1), gray.
        labels: int (N,), the true classes.
        probabilities: float (N, C).
        class_names: C names.
        columns: pictures in a row.
    """
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(columns * 2.1, rows * 2.45), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, image, label, row in zip(
        axes, images, labels, probabilities, strict=False
    ):
        guess = int(row.argmax())
        is_right = guess == label
        title = f"{_label(class_names[guess])} {row[guess]:.0%}"
        title += "" if is_right else f"\nis {_label(class_names[label])}"
        axis.imshow(np.broadcast_to(image, (*image.shape[:2], 3)))
        axis.set_title(
            title,
            color="black" if is_right else "#C00000",
            fontsize=9,
            fontweight="normal" if is_right else "bold",
        )
    return figure
