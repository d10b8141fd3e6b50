"""Run folders read back as records: what ran, how far it came, how well it did."""

import contextlib
import csv
import dataclasses
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerastpu import presets, runs
from kerastpu.config import Config
from kerastpu.errors import UsageError

FINISHED, UNFINISHED, UNREADABLE = "finished", "unfinished", "unreadable"
_RESULT_PARTS = {
    "test": ("accuracy", "interval", "count", "macro_f1", "loss"),
    "data": ("name", "counts", "is_synthetic", "fingerprint"),
    "accelerator": ("summary",),
    "seconds": ("total",),
    "parameters": (),
}
_ENVIRONMENT_PARTS: dict[str, tuple[str, ...]] = {
    "kerastpu": (),
    "packages": (),
    "command": (),
}
_MAX_DEPTH = 4  # folders between where one looks and a run


@dataclass(frozen=True)
class Record:
    """One run folder.

    Attributes:
        path: The folder.
        state: finished, unfinished, or unreadable by this version.
        config: The run's settings; None where they cannot be read.
        result: What result.json holds; empty while the run is unfinished.
        environment: What env.json holds: versions, machine, command.
        history: Column of metrics.csv -> one value for each epoch done.
        modified: When the folder's newest file was written, seconds since 1970.
        error: Why it cannot be read.
    """

    path: Path
    state: str
    config: Config | None
    result: dict[str, Any]
    environment: dict[str, Any]
    history: dict[str, list[float]]
    modified: float
    error: str = ""

    @property
    def num_epochs(self) -> int:
        """Epochs done."""
        return len(self.history.get("loss", ()))

    @property
    def best_epoch(self) -> int | None:
        """The epoch with the lowest validation loss, from 1; None if none is finite."""
        losses = enumerate(self.history.get("val_loss", ()), start=1)
        finite = [(loss, epoch) for epoch, loss in losses if math.isfinite(loss)]
        return min(finite)[1] if finite else None

    @property
    def accuracy(self) -> float | None:
        """Share of the test images that are right, 0..1; None while unfinished."""
        return self.result.get("test", {}).get("accuracy")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return {
            **dataclasses.asdict(self),
            "path": str(self.path),
            "config": None if self.config is None else self.config.to_dict(),
            "best_epoch": self.best_epoch,
        }


def read(path: str | Path) -> Record:
    """Reads a run folder, finished or not; damage in it is told, not raised.

    Raises:
        UsageError: it is no run folder.
    """
    path = Path(path)
    if not (path / runs.CONFIG).is_file():
        raise UsageError(f"{path} is not a run folder: it holds no {runs.CONFIG}")
    config, error = None, ""
    try:
        config = runs.read_config(path)
        result = _read_json(path / runs.RESULT)
        environment = _read_json(path / runs.ENVIRONMENT)
        history = _read_history(path / runs.METRICS)
        _check(path / runs.RESULT, result, _RESULT_PARTS)
        _check(path / runs.ENVIRONMENT, environment, _ENVIRONMENT_PARTS)
    except (UsageError, ValueError) as caught:
        result, environment, history, error = {}, {}, {}, str(caught)
    state = FINISHED if result else UNFINISHED
    return Record(
        path=path,
        state=UNREADABLE if error else state,
        config=config,
        result=result,
        environment=environment,
        history=history,
        modified=_modified(path),
        error=error,
    )


def find(folder: str | Path) -> list[Record]:
    """Reads every run in `folder`, itself included, by path.

    Raises:
        UsageError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"no folder {str(folder)!r} to look for runs in")
    return [read(path) for path in _run_folders(folder, _MAX_DEPTH)]


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / runs.CONFIG).is_file():
        yield folder
        return
    if not depth:
        return
    with os.scandir(folder) as entries:
        inner = sorted(e.path for e in entries if e.is_dir(follow_symlinks=False))
    for path in inner:
        yield from _run_folders(Path(path), depth - 1)


def _modified(path: Path) -> float:
    """Returns when the newest file was written; some come and go during a run."""
    times = []
    for file in path.iterdir():
        with contextlib.suppress(FileNotFoundError):
            times.append(file.stat().st_mtime)
    return max(times, default=0.0)


def _read_json(path: Path) -> dict[str, Any]:
    """Returns what is in the file; nothing where there is none."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path} is damaged: it holds no object")
    return value


def _check(
    path: Path, value: dict[str, Any], wanted: Mapping[str, Sequence[str]]
) -> None:
    """Refuses a file that is there but lacks what every run's has.

    Raises:
        ValueError: names what is missing.
    """
    for name, parts in wanted.items() if value else ():
        part = value.get(name)
        is_whole = isinstance(part, dict) and set(parts) <= set(part)
        if part is None or (parts and not is_whole):
            raise ValueError(f"{path} is damaged: {name} is missing or not whole")


def _read_history(path: Path) -> dict[str, list[float]]:
    """Returns the columns; a last row that is being written does not count."""
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    rows = list(csv.DictReader(whole.splitlines()))
    if any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{path} is damaged: its rows differ in length")
    names = rows[0] if rows else ()
    return {name: [float(row[name]) for row in rows] for name in names}


def changes(record: Record) -> dict[str, Any]:
    """Returns the settings in which a run differs from its preset: field -> value."""
    if record.config is None:
        return {}
    preset = record.config.preset
    usual = presets.get(preset) if preset in presets.PRESETS else Config()
    default = runs.flatten(usual.to_dict())
    ours = runs.flatten(record.config.to_dict())
    return {name: ours[name] for name in ours if ours[name] != default.get(name)}


def differences(records: Sequence[Record]) -> dict[str, list[Any]]:
    """Returns the settings in which runs differ: field -> the value of each run."""
    tables = [runs.flatten(r.config.to_dict()) if r.config else {} for r in records]
    names = dict.fromkeys(name for table in tables for name in table)
    columns = {name: [table.get(name) for table in tables] for name in names}
    return {
        name: values
        for name, values in columns.items()
        if any(value != values[0] for value in values)
    }
