"""`tune(config, workdir)`: searches for good settings of a preset, then trains it."""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import data_pipelines
from kerastpu import (
    backend,
    datasets,
    run_lock,
    runs,
    stopping,
    strategy,
    training,
)
from kerastpu.config import Config
from kerastpu.stopwatch import Stopwatch
from kerastpu.tuning import fields, lending, plans, settings, spaces
from kerastpu.tuning.plans import Plan
from kerastpu.tuning.recorded import RecordedSearch
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study

if TYPE_CHECKING:
    from kerastpu.tuning.trial_tasks import TrialTasks
    from kerastpu.tuning.trial_training import TrialTrainer

LOG = logging.getLogger("kerastpu")

WINNER, BASELINE = "winner", "baseline"
CUSTOM = "search"  # folder of a study over a space of one's own

Show = Callable[[Study, Settings], None]


@dataclass(frozen=True)
class Tuned:
    """What a search has found.

    Attributes:
        config: the winner's, as it is to be trained.
        values: its settings that were searched last.
        error: its validation error in the search, 0..1.
        folders: of the studies, in their order.
        winner: the run of it, where it has been trained.
    """

    config: Config
    values: dict[str, Any]
    error: float
    folders: tuple[Path, ...]
    winner: runs.RunResult | None = None


def tune(
    config: Config,
    workdir: str | Path,
    plan: Plan | None = None,
    *,
    source: data_pipelines.Source | None = None,
    show: Show | None = None,
    final_epochs: int | None = None,
    is_final: bool = True,
    address: str | None = None,
    lease_seconds: float = lending.LEASE_SECONDS,
) -> Tuned:
    """Searches for settings by the validation split, and trains the best of them.

    A study that is there goes on where it was, or is only read where it has ended. The
    test split takes no part until the winner, trained anew as a normal run, is scored
    on it once.

    Args:
        config: the preset; its epochs are those of the longest trial.
        workdir: a folder for each study, and `winner`, the run.
        plan: how to search.
        source: the images; None = what `config.data` says.
        show: called whenever an epoch or a job is done.
        final_epochs: of the winner; None = as many as the longest trial.
        is_final: whether the winner is trained.
        address: where to listen, such as 127.0.0.1:8765: trials are then lent to
            workers (see `team.work`), and none is trained here. None = all are.
        lease_seconds: silence after which a worker counts as dead.

    Raises:
        UsageError: an argument that is not allowed, or another study in `workdir`.
        DataError: images that cannot be used.
        KerastpuError: every trial failed, or training the winner did.
        SystemExit: with code 0, after SIGTERM; what is done has been saved.
        KeyboardInterrupt: after Ctrl-C; what is done has been saved.
    """
    config.validate()
    plan, workdir = plan or Plan(), Path(workdir)
    plans.check(plan)
    with stopping.watching() as stop, run_lock.RunLock(workdir) as lock:
        lock.take()
        plans.keep(workdir, config, plan)
        with lending.workers(address, lease_seconds) as work:
            tuned = _search(config, workdir, plan, source, stop, show, work)
    if not is_final:
        return tuned
    return replace(tuned, winner=train_winner(tuned, workdir, final_epochs, source))


def train_winner(
    tuned: Tuned,
    workdir: Path,
    epochs: int | None = None,
    source: data_pipelines.Source | None = None,
) -> runs.RunResult:
    """Trains the winner as a normal run and scores it once on the test split.

    Args:
        tuned: what was found.
        workdir: the run goes into its folder `winner`.
        epochs: None = as many as the longest trial.
        source: the images; None = what the config says.
    """
    config = tuned.config
    if epochs is not None:
        config = replace(config, training=replace(config.training, epochs=epochs))
    return training.train(config, workdir / WINNER, source)


def train_baseline(
    config: Config, workdir: Path, source: data_pipelines.Source | None = None
) -> runs.RunResult:
    """Trains what the search began from, to compare, into the folder `baseline`."""
    return training.train(config, workdir / BASELINE, source)


def open_study(folder: Path, made: Settings, *, reads: bool = False) -> Study:
    """Returns a study as far as its record goes.

    Args:
        folder: of the study.
        made: its settings.
        reads: whether it is only looked at, perhaps while it goes on.
    """
    longest = made.config.training.epochs
    return Study(
        RecordedSearch(longest) if reads else made.build_search(),
        folder,
        budget=made.budget,
        num_validation=made.num_validation,
        stops_below_median=made.stops_below_median,
        reads=reads,
    )


def make_tasks(config: Config, source: data_pipelines.Source | None) -> "TrialTasks":
    """Returns what trials of a config are made from: data and accelerator.

    Raises: see `tune`.
    """
    backend.start(config.backend)
    accelerator = strategy.resolve(
        config.accelerator, config.precision, training.needs(config)
    )
    LOG.info("accelerator: %s", accelerator.describe())
    manifest = datasets.prepare(config, source=source)
    training.check_classes(config, manifest)
    from kerastpu.tuning.trial_tasks import TrialTasks  # Keras, once its backend is set

    return TrialTasks(manifest, accelerator, Stopwatch())


def _search(
    config: Config,
    workdir: Path,
    plan: Plan,
    source: data_pipelines.Source | None,
    stop: stopping.Stopping,
    show: Show | None,
    work: lending.Work,
) -> Tuned:
    tasks = make_tasks(config, source)
    from kerastpu.tuning import working
    from kerastpu.tuning.trial_training import TrialTrainer

    tasks.make(config)  # has the features kept before time is counted
    folders: list[Path] = []
    names = [CUSTOM] if plan.space else list(plan.stages)
    for number, name in enumerate(names, start=1):
        folder = workdir / (name if plan.space else f"{number}-{name}")
        trainer = TrialTrainer(tasks, folder / settings.TRIALS, stop)
        made = _settings(folder, config, plan, names, name, trainer)
        study = open_study(folder, made)
        _tell(study, made, name)
        work(study, made, trainer, functools.partial(_show, show, made, study))
        working.clear(study, trainer.folder)
        folders.append(folder)
        best = study.best()
        config = fields.apply(made.config, best.values)
    error = study.errors(best.number)[-1]
    return Tuned(config, dict(best.values), error, tuple(folders))


def _settings(
    folder: Path,
    config: Config,
    plan: Plan,
    names: Sequence[str],
    name: str,
    trainer: "TrialTrainer",
) -> Settings:
    """Returns the settings of a stage: those that are kept, else made and kept now."""
    if settings.is_study(folder):
        return settings.read(folder)
    from kerastpu.tuning import working

    manifest = trainer.tasks.manifest
    made = plans.settle(
        config,
        plan.space or spaces.ready(config, name).space,
        plan,
        plans.share(plan.budget, names, name),
        num_validation=manifest.num_examples("validation"),
        fingerprint=manifest.content_sha256[:16],
        measure=functools.partial(working.measure, config, trainer),
    )
    settings.write(folder, made)
    return made


def _show(show: Show | None, made: Settings, study: Study) -> None:
    if show is not None:
        show(study, made)


def _tell(study: Study, made: Settings, name: str) -> None:
    names = ", ".join(dimension.name for dimension in made.space)
    LOG.info("%s: %s searches %s", name, made.search, names)
    if study.trials:
        LOG.info(
            "goes on after %d epochs of %d trials", study.epochs, len(study.trials)
        )
