"""What `kerastpu runs` prints: run folders as text for people."""

import math
import time
from collections.abc import Sequence
from typing import Any

from kerastpu import run_records
from kerastpu.data_text import printable
from kerastpu.evaluation import Z_95
from kerastpu.run_records import Record

_WIDTH = 28  # of a value in a comparison, in characters
_COLUMNS = ("run", "preset", "state", "epochs", "validation", "test", "took", "date")


def of_list(records: Sequence[Record]) -> str:
    """Returns a table with a line for each run, the best test accuracy first."""
    if not records:
        return "no runs here"
    ranked = sorted(records, key=lambda r: -1 if r.accuracy is None else r.accuracy)
    rows: list[tuple[str, ...]] = [_COLUMNS]
    rows += [_row(record) for record in reversed(ranked)]
    return printable(_table(rows))


def _row(record: Record) -> tuple[str, ...]:
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.modified))
    preset = record.config.preset if record.config else "-"
    best, seconds = record.best_epoch, record.result.get("seconds", {}).get("total")
    accuracies = record.history.get("val_accuracy")
    return (
        str(record.path),
        preset,
        record.state,
        str(record.num_epochs),
        f"{accuracies[best - 1]:.1%}" if accuracies and best else "-",
        "-" if record.accuracy is None else f"{record.accuracy:.1%}",
        "-" if seconds is None else f"{seconds:.0f} s",
        day,
    )


def of_record(record: Record) -> str:
    """Returns what one run was, how far it came and how well it did."""
    lines = [f"{record.path}: {record.state}", *_settings(record), *_progress(record)]
    test = record.result.get("test")
    if test:
        low, high = test["interval"]
        lines.append(
            f"test: {test['accuracy']:.1%} of {test['count']:,} right (95 % interval "
            f"{low:.1%} to {high:.1%}), macro F1 {test['macro_f1']:.3f}, "
            f"loss {test['loss']:.3f}"
        )
    if record.result:
        data = record.result["data"]
        parts = ", ".join(f"{k} {v:,}" for k, v in data["counts"].items())
        origin = "drawn by code, not photos" if data["is_synthetic"] else "real"
        lines.append(f"data: {data['name']} ({origin}): {parts}")
        lines.append(f"ran on: {record.result['accelerator']['summary']}")
        seconds = record.result["seconds"]
        phases = ", ".join(f"{k} {v:.0f}" for k, v in seconds.items() if k != "total")
        lines.append(f"took: {seconds['total']:.0f} s ({phases})")
        lines.append(f"parameters: {record.result['parameters']:,}")
    if record.environment:
        packages = record.environment["packages"].items()
        versions = ", ".join(f"{name} {version}" for name, version in packages)
        lines.append(
            f"made with: kerastpu {record.environment['kerastpu']}, {versions}"
        )
        lines.append(f"command: {' '.join(record.environment['command'])}")
    names = sorted(path.name for path in record.path.iterdir())
    lines.append(f"files: {', '.join(names)}")
    if record.error:
        lines.append(f"cannot be read: {record.error}")
    return printable("\n".join(lines))


def _origin(environment: dict[str, Any]) -> list[str]:
    packages = {"kerastpu": environment["kerastpu"], **environment["packages"]}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    return [f"made with: {versions}", f"command: {' '.join(environment['command'])}"]


def _settings(record: Record) -> list[str]:
    if record.config is None:
        return []
    changed = run_records.changes(record)
    own = ", ".join(f"{name}={value}" for name, value in changed.items())
    return [f"preset: {record.config.preset}", f"own settings: {own or 'none'}"]


def _progress(record: Record) -> list[str]:
    best = record.best_epoch
    if best is None:
        return [f"epochs: {record.num_epochs or 'none'} finished, no finite loss"]
    wanted = f" of {record.config.training.epochs}" if record.config else ""
    scores = {name: values[best - 1] for name, values in record.history.items()}
    line = (
        f"epochs: {record.num_epochs}{wanted}; the lowest validation loss, "
        f"{scores['val_loss']:.3f}, after {best}"
    )
    if "val_accuracy" in scores:
        line += f", with {scores['val_accuracy']:.1%} right"
    return [line]


def of_comparison(records: Sequence[Record]) -> str:
    """Returns the settings in which runs differ, their scores, and what that means."""
    head = ("", *(str(record.path) for record in records))
    rows = [head]
    for name, values in run_records.differences(records).items():
        rows.append((name, *(_short(value) for value in values)))
    if len(rows) == 1:
        rows.append(("settings", *("the same" for _ in records)))
    rows += [
        ("test accuracy", *(_accuracy(record) for record in records)),
        ("test images", *(_of_test(record, "count", ",") for record in records)),
        ("test loss", *(_of_test(record, "loss", ".3f") for record in records)),
        ("macro F1", *(_of_test(record, "macro_f1", ".3f") for record in records)),
        ("epochs", *(str(record.num_epochs) for record in records)),
        ("seconds", *(_seconds(record) for record in records)),
    ]
    return printable("\n".join([_table(rows), *_verdicts(records)]))


def _verdicts(records: Sequence[Record]) -> list[str]:
    """Compares each run with the first one that has finished."""
    finished = [record for record in records if record.accuracy is not None]
    if len(finished) < 2:
        return ["fewer than two of them have finished: no scores to compare"]
    first, *others = finished
    lines = []
    for other in others:
        if _test_data(first) != _test_data(other):
            lines.append(f"{other.path}: scored on other images than {first.path}")
            continue
        gain, margin = difference(first, other)
        verdict = "clear" if abs(gain) > margin else "within chance"
        lines.append(
            f"{other.path}: {100 * gain:+.1f} points against {first.path}, 95 % "
            f"interval {100 * (gain - margin):+.1f} to {100 * (gain + margin):+.1f}: "
            f"{verdict}"
        )
    return lines


def difference(first: Record, other: Record) -> tuple[float, float]:
    """Returns how much more `other` has right, and the half width of its interval.

    The normal approximation for two independent samples. Two runs scored on the same
    images agree on most of them, so that the true interval is narrower.

    Args:
        first: A finished run.
        other: A finished run.

    Returns:
        Accuracy of `other` less that of `first`, -1..1; half of the 95 % interval.
    """
    shares = [r.result["test"]["accuracy"] for r in (first, other)]
    counts = [r.result["test"]["count"] for r in (first, other)]
    variance = sum(p * (1 - p) / n for p, n in zip(shares, counts, strict=True))
    return shares[1] - shares[0], Z_95 * math.sqrt(variance)


def _test_data(record: Record) -> tuple[Any, ...]:
    data = record.result["data"]
    return data["fingerprint"], record.result["test"]["count"]


def _accuracy(record: Record) -> str:
    if record.accuracy is None:
        return record.state
    low, high = record.result["test"]["interval"]
    return f"{record.accuracy:.1%} ({low:.1%} to {high:.1%})"


def _of_test(record: Record, name: str, form: str) -> str:
    test = record.result.get("test")
    return "-" if test is None else format(test[name], form)


def _seconds(record: Record) -> str:
    total = record.result.get("seconds", {}).get("total")
    return "-" if total is None else f"{total:.0f}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Returns rows with their columns aligned on the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
