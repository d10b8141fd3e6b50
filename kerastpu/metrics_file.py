"""metrics.csv: a row for each epoch."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from kerastpu import files


def write(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Writes all rows, whole or not at all.

    Args:
        path: of the file.
        rows: column -> number; all of the same columns.

    Raises:
        OSError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(path, text.getvalue())
