"""Adds exports to their table: `python bench/record_exports.py TABLE.csv EXPORT...`.

EXPORT is a folder that `kerastpu export RUN` made. Columns are explained in
results/README.md.
"""

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import record

from kerastpu import runs
from kerastpu.export import ExportResult
from kerastpu.export.parity import LATENCY_BATCHES, Check, Score

MEASURES = (
    *("bytes", "same_class", "max_difference", "accuracy", "low", "high"),
    *(f"ms_{size}" for size in LATENCY_BATCHES),
)
COLUMNS = (
    *("date", "commit", "command", "preset", "seed", "data", "images"),
    *("hardware", "runtime", "file", *MEASURES),
)


def rows(folder: Path) -> Iterator[dict[str, object]]:
    """Yields a row for the model of one run, and one for each of its exports."""
    text = (folder / "export.json").read_text("utf-8")
    result = ExportResult.from_dict(json.loads(text))
    if result.problems:
        sys.exit(f"{folder}: not all exports are good: {'; '.join(result.problems)}")
    run = runs.load_run(Path(result.source["path"]).parent)
    common = {
        "date": date.today().isoformat(),
        "commit": record.commit(),
        "command": record.command(result.environment["command"]),
        "preset": run.config.preset,
        "seed": run.config.seed,
        "data": record.without_paths(run.result["data"]["name"]),
        "images": result.images["count"],
        "hardware": record.hardware(),
    }
    model = result.reference
    yield common | {
        "runtime": model.runtime,
        "file": runs.MODEL,
        "bytes": result.source["num_bytes"],
        **_shares(model.score),
    }
    for check in result.checks:
        yield common | _measures(check)


def _measures(check: Check) -> dict[str, object]:
    return {
        "runtime": check.runtime,
        "file": check.file,
        "bytes": check.num_bytes,
        "same_class": f"{check.agreement:.4f}",
        "max_difference": f"{check.max_difference:.1e}",
        **_shares(check.score),
        **{f"ms_{size}": round(ms, 2) for size, ms in check.latency_ms.items()},
    }


def _shares(score: Score | None) -> dict[str, float]:
    if score is None:
        return {}
    shares = (score.accuracy, *score.interval)
    return {
        name: round(share, 4)
        for name, share in zip(("accuracy", "low", "high"), shares, strict=True)
    }


def main(table: Path, folders: list[Path]) -> None:
    """Appends the rows of each export folder."""
    for folder in folders:
        record.append(table, COLUMNS, rows(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
