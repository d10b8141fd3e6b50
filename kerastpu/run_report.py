"""The scores of a saved model, and the run in pictures."""

from pathlib import Path
from typing import Any

import numpy as np

import data_pipelines
from kerastpu import plotting, runs, scoring
from kerastpu.config import Config

GRID_SIZE = 24  # pictures in predictions.png


def score(
    config: Config, manifest: data_pipelines.Manifest, workdir: Path, seconds: Any
) -> dict[str, Any]:
    """Scores the file that was saved, on the test split, and draws what it shows."""
    count = manifest.num_examples("test")
    random = np.random.default_rng(config.seed)
    positions = sorted(random.permutation(count)[:GRID_SIZE].tolist())
    with seconds.phase("score"):
        model = runs.load_model(workdir / runs.MODEL)
        scores, probabilities, labels, images = scoring.score_split(
            model, manifest, "test", positions
        )
    with seconds.phase("plots"):
        plotting.save(
            plotting.confusion_matrix(scores), workdir / "confusion_matrix.png"
        )
        grid = plotting.prediction_grid(
            np.stack([images[position] for position in positions]),
            labels[positions],
            probabilities[positions],
            manifest.class_names,
        )
        plotting.save(grid, workdir / "predictions.png")
    return {"test": scores.to_dict(), "class_names": list(manifest.class_names)}


def plot_training(workdir: Path, rates: list[float], updates_per_epoch: int) -> None:
    """Draws what training was like, from metrics.csv and the rate of each update."""
    history = plotting.read_history(workdir / runs.METRICS)
    plotting.save(plotting.training_curves(history), workdir / "training_curves.png")
    rate_plot = plotting.learning_rates(rates, updates_per_epoch)
    plotting.save(rate_plot, workdir / "learning_rate.png")
