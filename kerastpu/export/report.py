"""How the exports did, as a table for a terminal and for parity.md."""

from __future__ import annotations

from collections.abc import Iterator

from kerastpu.data_text import num_bytes, printable
from kerastpu.export.parity import LATENCY_BATCHES, Check, Score
from kerastpu.export.result import ExportResult

COLUMNS = (
    "export",
    "runtime",
    "size",
    "same class",
    "needed",
    "max difference",
    "right (95 % interval)",
    *(f"ms / {size}" for size in LATENCY_BATCHES),
)


def rows(result: ExportResult) -> Iterator[tuple[str, ...]]:
    """Yields the cells of `COLUMNS`: of the model itself, then of each export."""
    model = result.reference
    size = num_bytes(result.source["num_bytes"])
    blanks = ("-",) * len(LATENCY_BATCHES)
    yield ("the model", model.runtime, size, *"---", share(model.score), *blanks)
    yield from (_row(check) for check in result.checks)


def _row(check: Check) -> tuple[str, ...]:
    name = f"{check.file} FAILED" if check.problem else check.file
    if check.agreement is None or check.max_difference is None:
        return (name, check.runtime, *("-" for _ in COLUMNS[2:]))
    return (
        name,
        check.runtime,
        num_bytes(check.num_bytes),
        f"{check.agreement:.2%}",
        f"{check.needed:.1%}",
        f"{check.max_difference:.1e}",
        share(check.score),
        *(f"{check.latency_ms[size]:.1f}" for size in LATENCY_BATCHES),
    )


def share(score: Score | None) -> str:
    """Returns an accuracy with its interval."""
    if score is None:
        return "-"
    low, high = score.interval
    return f"{score.accuracy:.1%} ({low:.1%} to {high:.1%})"


def of_result(result: ExportResult) -> str:
    """Returns the table for a terminal, and what it is of."""
    table = [COLUMNS, *rows(result)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    )
    text = [
        f"compared on: {result.images['description']}",
        *(line.rstrip() for line in lines),
        *explanations(result),
        f"folder: {result.folder}",
    ]
    return printable("\n".join(text))


def of_markdown(result: ExportResult) -> str:
    """Returns parity.md."""
    text = [
        "# Parity",
        "",
        f"Each file was run in its own runtime on {result.images['description']}, "
        f"beside `{result.source['path']}` in Keras, on {result.created[:10]}.",
        "",
        *table(result),
        "",
        *(f"* {line}" for line in explanations(result)),
    ]
    return printable("\n".join(text) + "\n")


def table(result: ExportResult) -> Iterator[str]:
    """Yields the lines of the table in Markdown."""
    yield _line(COLUMNS)
    yield _line(["---"] * len(COLUMNS))
    for row in rows(result):
        yield _line([cell(text) for text in row])


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    """Returns a text so that it stays in one cell and means nothing to Markdown."""
    text = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\|`*_<[" else c for c in text)


def explanations(result: ExportResult) -> Iterator[str]:
    """Yields what the columns mean, and what should be known beside them."""
    machine = result.environment
    batches = " and ".join(map(str, LATENCY_BATCHES))
    yield (
        "same class: share of the images whose most probable class is that of the "
        "model; max difference: of one probability"
    )
    yield (
        f"ms: median time of a call of {batches} images, on "
        f"{machine['processor']}, all of them used"
    )
    policy = result.source["policy"]
    if policy != "float32":
        yield (
            f"the model's layers compute in {policy}; the exports, and the model "
            "beside them, in float32 with the same weights"
        )
    for check in result.checks:
        if check.int8 is not None:
            done, total = check.int8
            yield (
                f"{check.file}: {done} of {total} convolutions and dense layers "
                "compute in int8"
            )
    yield from (f"FAILED {problem}; it is not there" for problem in result.problems)
