"""`train(config, workdir)`: the only place that trains."""

import hashlib
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import data_pipelines
from kerastpu import (
    backend,
    calibration,
    class_weights,
    datasets,
    files,
    pretrained,
    run_lock,
    runs,
    seeds,
    stopping,
    strategy,
)
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.progress import progress
from kerastpu.resuming.checkpoints import Checkpoints
from kerastpu.stopwatch import Stopwatch

if TYPE_CHECKING:
    import keras

    from kerastpu.fitting import Fitted
    from kerastpu.recipes import Task

LOG = logging.getLogger("kerastpu")


def train(
    config: Config,
    workdir: str | Path,
    source: data_pipelines.Source | None = None,
) -> runs.RunResult:
    """Trains, scores on the untouched test split, and saves everything in `workdir`.

    A run that has finished is not run again: its result is returned. One that was
    stopped or killed goes on from its last checkpoint.

    Args:
        config: the run.
        workdir: folder for config.json, env.json, metrics.csv, result.json,
            model.keras (of the best epoch), last.keras and PNGs; made where absent.
        source: the images; None = what `config.data` says.

    Returns:
        The finished run.

    Raises:
        UsageError: a field that is not allowed, `workdir` holds another run, or another
            process trains in it.
        DataError: images that cannot be used.
        AcceleratorError: the accelerator asked for is not there.
        MissingExtraError: an optional dependency is absent.
        KerastpuError: training failed.
        OSError: a file of the run cannot be written: a full disk, a vanished folder.
        SystemExit: with code 0, after SIGTERM; what is done has been saved.
        KeyboardInterrupt: after Ctrl-C; what is done has been saved.
    """
    config.validate()
    workdir = Path(workdir)
    runs.check_workdir(workdir, config)
    if runs.is_finished(workdir):
        return _finished(workdir, source)
    _check_weights(config.model.weights)
    with stopping.watching() as stop, run_lock.RunLock(workdir) as lock:
        if workdir.is_dir():
            lock.take()
        if runs.is_finished(workdir):  # while another process had the lock
            return _finished(workdir, source)
        _run(config, workdir, source, lock, stop)
    return runs.load_run(workdir)


def _run(
    config: Config,
    workdir: Path,
    source: data_pipelines.Source | None,
    lock: run_lock.RunLock,
    stop: stopping.Stopping,
) -> None:
    """Does the work of `train`, from the data to result.json."""
    watch = Stopwatch()
    backend.start(config.backend)
    accelerator = strategy.resolve(config.accelerator, config.precision, needs(config))
    LOG.info("accelerator: %s", accelerator.describe())
    for reason in accelerator.reasons:
        LOG.info("  - %s", reason)
    with watch.phase("data"):
        manifest = datasets.prepare(config, source=source)
    check_classes(config, manifest)
    identity = _identity(config, manifest, accelerator)
    Checkpoints(workdir / runs.CHECKPOINTS).check(identity)  # before the long work
    if not runs.is_begun(workdir):  # else it goes on, and took its time before
        with watch.phase("estimate"):
            calibration.announce(config, manifest, accelerator)
    seeds.set_seed(config.seed, config.training.deterministic)

    def begin() -> None:
        lock.take()
        runs.open_run(workdir, config)

    from kerastpu import recipes, run_report  # Keras, once its backend is set

    recipe = recipes.RECIPES[config.training.mode]
    task = recipe(config, manifest, accelerator, watch, begin)
    fitted = _fit(task, config, manifest, accelerator, workdir, watch, stop, identity)
    with watch.phase("save"):
        model = _save(task, fitted, workdir, manifest.class_names)
    result = run_report.score(config, manifest, workdir, watch)
    with watch.phase("plots"):
        updates_per_epoch = task.steps_per_epoch // config.optimizer.accumulate
        run_report.plot_training(workdir, fitted.rates, updates_per_epoch)
    result |= task.facts
    result |= {
        "data": datasets.facts(manifest),
        "accelerator": accelerator.to_dict(),
        "parameters": model.count_params(),
        "resumes": fitted.resumes,
        "seconds": watch.seconds(),
    }
    runs.write_json(workdir / runs.RESULT, result)
    Checkpoints(workdir / runs.CHECKPOINTS).remove()


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
    Checkpoints(run.workdir / runs.CHECKPOINTS).remove()  # it may have died before that
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
    task: "Task",
    config: Config,
    manifest: data_pipelines.Manifest,
    accelerator: strategy.Accelerator,
    workdir: Path,
    watch: Stopwatch,
    stop: stopping.Stopping,
    identity: dict[str, Any],
) -> "Fitted":
    from kerastpu import fitting

    with watch.phase("fit"), progress("train", "images") as update:
        fitted = fitting.fit(
            task.model,
            task.make_batches,
            steps_per_epoch=task.steps_per_epoch,
            validation=task.validation,
            class_weights=class_weights_of(config, manifest),
            config=config,
            accelerator=accelerator,
            workdir=workdir,
            update=update,
            stopping=stop,
            identity=identity,
        )
    watch.add("fit", fitted.earlier_seconds)
    return fitted


def _identity(
    config: Config, manifest: data_pipelines.Manifest, accelerator: strategy.Accelerator
) -> dict[str, Any]:
    """Returns what a run that goes on must have been begun with, beside its config."""
    identity = {"data": manifest.content_sha256[:16], "backend": accelerator.backend}
    weights = config.model.weights
    if weights and pretrained.is_file(weights):
        with Path(weights).expanduser().open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        identity["a model.weights of SHA-256"] = digest[:16]
    return identity


def _save(
    task: "Task", fitted: "Fitted", workdir: Path, class_names: tuple[str, ...]
) -> "keras.Model":
    """Saves the whole model as of the best epoch, and as of the last one."""
    whole = task.finish()
    runs.save_model(whole, workdir / runs.MODEL, class_names)
    if fitted.is_last_best:
        with files.replacing(workdir / runs.LAST) as temporary:
            shutil.copyfile(workdir / runs.MODEL, temporary)
    else:
        task.model.set_weights(fitted.last_weights)
        runs.save_model(whole, workdir / runs.LAST, class_names)
    return whole
