"""The run folder: one training run's config, environment, metrics and model."""

import json
import logging
import os
import platform
import sys
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerastpu import files, run_lock
from kerastpu.config import Config
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.version import VERSION

if TYPE_CHECKING:
    import keras

LOG = logging.getLogger("kerastpu")

CONFIG, ENVIRONMENT, RESULT = "config.json", "env.json", "result.json"
METRICS, MODEL, LAST = "metrics.csv", "model.keras", "last.keras"
CHECKPOINTS = "checkpoints"  # of a run that has not finished
EVENTS = "tensorboard"  # where it is installed
CARD = "kerastpu.json"  # member of the .keras archive; Keras itself ignores it
PACKAGES = ("tensorflow", "keras", "jax", "numpy", "pillow")


@dataclass(frozen=True)
class RunResult:
    """What a finished run left behind."""

    workdir: Path
    config: Config
    result: dict[str, Any]
    """What result.json holds: scores, seconds, data, accelerator."""

    @property
    def accuracy(self) -> float:
        """Share of the test images that are right, 0..1."""
        return self.result["test"]["accuracy"]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the model's outputs."""
        return tuple(self.result["class_names"])

    @property
    def model_path(self) -> Path:
        """The saved model: uint8 image in, probabilities out."""
        return self.workdir / MODEL

    def load_model(self) -> "keras.Model":
        """Loads the model with plain Keras.

        Raises:
            KerastpuError: the file is missing or damaged.
        """
        return load_model(self.model_path)


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, whole or not at all."""
    files.write_text(path, json.dumps(value, indent=2) + "\n")


def check_workdir(workdir: str | Path, config: Config) -> None:
    """Checks that a run of `config` may live in `workdir`, and touches nothing.

    Raises:
        UsageError: it is a file, holds another config or holds something else.
    """
    workdir = Path(workdir)
    if workdir.exists() and not workdir.is_dir():
        raise UsageError(f"workdir must be a folder; {workdir} is a file")
    if workdir.is_dir() and not all(map(_is_left_over, workdir.iterdir())):
        _check_same_config(workdir, config)


def _is_left_over(path: Path) -> bool:
    """Whether a run that was killed at its very beginning may have left it."""
    return path.name == run_lock.NAME or files.is_temporary(path)


def is_begun(workdir: str | Path) -> bool:
    """Returns whether the folder holds a run, finished or not."""
    return (Path(workdir) / CONFIG).is_file()


def is_finished(workdir: str | Path) -> bool:
    """Returns whether the run folder holds a result."""
    return (Path(workdir) / RESULT).is_file()


def open_run(workdir: str | Path, config: Config) -> Path:
    """Makes the run folder, or takes up the one that already holds this config.

    No other process may be at work in it. Packages that are others than when it was
    begun are told of: with them the last bits of its numbers may be others.

    Raises:
        UsageError: see `check_workdir`.
        KerastpuError: it cannot be made or written to.
    """
    check_workdir(workdir, config)
    workdir = Path(workdir)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        files.remove_temporary(workdir)
        ours = environment()
        _tell_changes(workdir / ENVIRONMENT, ours["packages"])
        files.write_text(workdir / CONFIG, config.to_json())
        write_json(workdir / ENVIRONMENT, ours)
    except OSError as error:
        raise KerastpuError(f"cannot write to {workdir}: {error.strerror}") from None
    return workdir


def _tell_changes(path: Path, packages: dict[str, str | None]) -> None:
    """Warns where env.json names other versions."""
    try:
        before = dict(json.loads(path.read_text(encoding="utf-8"))["packages"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return  # it has just been begun, or nothing can be said
    for name, version in packages.items():
        if before.get(name) != version:
            LOG.warning(
                "this run was begun with %s %s and goes on with %s: it may not end "
                "with the same bits",
                name,
                before.get(name),
                version,
            )


def _check_same_config(workdir: Path, config: Config) -> None:
    if not (workdir / CONFIG).is_file():
        raise UsageError(
            f"workdir {workdir} holds files but no {CONFIG}; name a new or empty folder"
        )
    stored = read_config(workdir)
    if stored == config:
        return
    theirs, ours = flatten(stored.to_dict()), flatten(config.to_dict())
    key = next(key for key in ours if theirs.get(key) != ours[key])
    raise UsageError(
        f"workdir {workdir} holds another config ({key} is {theirs.get(key)!r} there, "
        f"{ours[key]!r} here); name another folder"
    )


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turns nested dicts into one: {"model": {"name": x}} -> {"model.name": x}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def read_config(workdir: str | Path) -> Config:
    """Reads a run folder's config.

    Raises:
        UsageError: there is no run, or its config is damaged.
    """
    path = Path(workdir) / CONFIG
    if not path.is_file():
        raise UsageError(f"{workdir} is not a run folder: it holds no {CONFIG}")
    return Config.from_json(_read(path))


def load_run(workdir: str | Path) -> RunResult:
    """Reads a finished run.

    Raises:
        UsageError: there is no run, it has not finished, or a file is damaged.
    """
    config = read_config(workdir)
    path = Path(workdir) / RESULT
    if not path.is_file():
        raise UsageError(f"the run in {workdir} has not finished: no {RESULT}")
    try:
        result = json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise UsageError(f"{path} is damaged: {error}") from None
    return RunResult(Path(workdir), config, result)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is damaged: {error}") from None


def environment() -> dict[str, Any]:
    """Returns what a run depends on: versions, machine, command."""
    versions: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "kerastpu": VERSION,
        "python": platform.python_version(),
        "packages": versions,
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def save_model(
    model: "keras.Model", path: Path, class_names: tuple[str, ...], /, **card: Any
) -> None:
    """Saves `model` with its class names in the same file, whole or not at all.

    The `.keras` archive gets one more member, kerastpu.json, which Keras ignores. The
    optimizer and its schedule stay out, so that plain Keras can load the file.

    Args:
        model: uint8 images in, probabilities out.
        path: ends in .keras.
        class_names: in the order of the outputs.
        **card: more to keep beside the names, JSON-able.
    """
    import keras

    bare = keras.Model(model.inputs, model.outputs, name=model.name)
    with files.replacing(path) as temporary:
        bare.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(CARD, json.dumps({"class_names": class_names, **card}))


def load_model(path: Path) -> "keras.Model":
    """Loads a `.keras` file, never running code that it might hold.

    Raises:
        KerastpuError: the file is missing or damaged.
    """
    import keras

    if not path.is_file():
        raise KerastpuError(f"no model at {path}")
    if not zipfile.is_zipfile(path):
        raise KerastpuError(f"{path} is not a .keras file, or it is cut short")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = str(error).strip().partition("\n")[0]
        raise KerastpuError(f"{path} cannot be loaded: {reason}") from error
