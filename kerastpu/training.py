"""`train(config, workdir)`: the only place that trains."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import data_pipelines
from kerastpu import (
    backend,
    class_weights,
    datasets,
    pretrained,
    runs,
    seeds,
    strategy,
)
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.progress import progress

if TYPE_CHECKING:
    import keras

LOG = logging.getLogger("kerastpu")
GRID_SIZE = 24  # pictures in predictions.png


class Stopwatch:
    """Seconds of each phase of a run."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.phases: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the time spent inside to phase `name`."""
        start = time.monotonic()
        yield
        self.phases[name] = self.phases.get(name, 0.0) + time.monotonic() - start

    def seconds(self) -> dict[str, float]:
        """Returns seconds by phase, and since the start as "total"."""
        total = time.monotonic() - self.start
        return {k: round(v, 2) for k, v in (self.phases | {"total": total}).items()}


def train(
    config: Config,
    workdir: str | Path,
    source: data_pipelines.Source | None = None,
) -> runs.RunResult:
    """Trains, scores on the untouched test split, and saves everything in `workdir`.

    A run that has finished is not run again: its result is returned.

    Args:
        config: the run.
        workdir: folder for config.json, env.json, metrics.csv, result.json,
            model.keras and PNGs; made where absent.
        source: the images; None = what `config.data` says.

    Returns:
        The finished run.

    Raises:
        UsageError: a field that is not allowed, or `workdir` holds another run.
        DataError: images that cannot be used.
        AcceleratorError: the accelerator asked for is not there.
        MissingExtraError: an optional dependency is absent.
        KerastpuError: training failed.
    """
    config.validate()
    runs.check_workdir(workdir, config)
    if runs.is_finished(workdir):
        return _finished(workdir, source)
    _check_weights(config.model.weights)
    watch = Stopwatch()
    backend.start(config.backend)
    accelerator = strategy.resolve(config.accelerator, config.precision, needs(config))
    LOG.info("accelerator: %s", accelerator.describe())
    for reason in accelerator.reasons:
        LOG.info("  - %s", reason)
    with watch.phase("data"):
        manifest = datasets.prepare(config, source=source)
    check_classes(config, manifest)
    workdir = Path(workdir)
    seeds.set_seed(config.seed)
    model, rates, per_epoch = _fit(config, manifest, accelerator, workdir, watch)
    with watch.phase("save"):
        runs.save_model(model, workdir / runs.MODEL, manifest.class_names)
    result = _score(config, manifest, workdir, watch)
    with watch.phase("plots"):
        _plot_training(workdir, rates, per_epoch)
    result |= {
        "data": datasets.facts(manifest),
        "accelerator": accelerator.to_dict(),
        "parameters": model.count_params(),
        "seconds": watch.seconds(),
    }
    runs.write_json(workdir / runs.RESULT, result)
    return runs.load_run(workdir)


def _check_weights(weights: str | None) -> None:
    """Refuses a file of weights that is not there before the long work begins.

    Raises:
        UsageError: names it.
    """
    if weights and pretrained.is_file(weights):
        path = Path(weights).expanduser()
        if not path.is_file():
            raise UsageError(f"model.weights: there is no file {weights!r}")


def _finished(
    workdir: str | Path, source: data_pipelines.Source | None
) -> runs.RunResult:
    """Returns the run that is there.

    Raises:
        UsageError: it was trained on another source than the one given.
    """
    run = runs.load_run(workdir)
    if source is not None and source.fingerprint != run.result["data"]["fingerprint"]:
        raise UsageError(
            f"workdir {workdir} holds a run on other data "
            f"({run.result['data']['name']}); name another folder"
        )
    LOG.info("%s holds this run already, finished", workdir)
    return run


def needs(config: Config) -> tuple[str, ...]:
    """Returns what the run asks of its accelerator."""
    wanted = {
        "short_steps": config.training.mode == "features",
        "gradient_accumulation": config.optimizer.accumulate > 1,
    }
    return tuple(name for name, is_needed in wanted.items() if is_needed)


def check_classes(config: Config, manifest: data_pipelines.Manifest) -> None:
    """Checks that the shards have the config's classes, and images in every split.

    Raises:
        UsageError: they have not.
    """
    wanted, found = config.model.num_classes, len(manifest.class_names)
    if wanted is not None and wanted != found:
        raise UsageError(
            f"model.num_classes is {wanted}, but the data has {found} classes: "
            f"{', '.join(manifest.class_names[:8])}{', ...' if found > 8 else ''}"
        )
    for split in ("train", "validation", "test"):
        if not manifest.num_examples(split):
            raise UsageError(
                f"the {split} split is empty: {manifest.source['name']} holds too few "
                "images for these input.test_fraction and input.validation_fraction"
            )


def class_weights_of(
    config: Config, manifest: data_pipelines.Manifest
) -> tuple[float, ...] | None:
    """Returns the weight of each class in the loss; None = all 1."""
    if config.loss.class_weights == "none":
        return None
    counts = manifest.class_counts("train")
    return class_weights.from_counts(counts, manifest.class_names)


def _fit(
    config: Config,
    manifest: data_pipelines.Manifest,
    accelerator: strategy.Accelerator,
    workdir: Path,
    watch: Stopwatch,
) -> tuple["keras.Model", list[float], int]:
    """Returns the trained model, the rate of each update, the updates per epoch."""
    from kerastpu import fitting, recipes  # Keras is imported once its backend is set

    def begin() -> None:
        runs.open_run(workdir, config)

    weights = class_weights_of(config, manifest)
    recipe = recipes.RECIPES[config.training.mode]
    task = recipe(config, manifest, accelerator, watch, begin)
    with watch.phase("fit"), progress("train") as update:
        rates = fitting.fit(
            task.model,
            task.batches,
            steps_per_epoch=task.steps_per_epoch,
            validation=task.validation,
            class_weights=weights,
            config=config,
            accelerator=accelerator,
            workdir=workdir,
            update=update,
        )
    return task.finish(), rates, task.steps_per_epoch // config.optimizer.accumulate


def _score(
    config: Config, manifest: data_pipelines.Manifest, workdir: Path, watch: Stopwatch
) -> dict[str, Any]:
    """Scores the file that was saved, on the test split, and draws what it shows."""
    from kerastpu import plotting, scoring

    count = manifest.num_examples("test")
    random = np.random.default_rng(config.seed)
    positions = sorted(random.permutation(count)[:GRID_SIZE].tolist())
    with watch.phase("score"):
        model = runs.load_model(workdir / runs.MODEL)
        scores, probabilities, labels, images = scoring.score_split(
            model, manifest, "test", positions
        )
    with watch.phase("plots"):
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


def _plot_training(workdir: Path, rates: list[float], updates_per_epoch: int) -> None:
    from kerastpu import plotting

    history = plotting.read_history(workdir / runs.METRICS)
    plotting.save(plotting.training_curves(history), workdir / "training_curves.png")
    rate_plot = plotting.learning_rates(rates, updates_per_epoch)
    plotting.save(rate_plot, workdir / "learning_rate.png")
