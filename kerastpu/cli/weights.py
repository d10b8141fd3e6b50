"""`kerastpu weights SOURCE`: weights as a table, alone or whole; HDF5 listed."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from kerastpu import backend
from kerastpu.cli import parsing
from kerastpu.errors import UsageError


@dataclass(frozen=True)
class WeightsArguments:
    """Shows the weights of a network, or writes them in another form."""

    source: tyro.conf.Positional[Path]
    """A run folder, or a file: .keras, .onnx, .weights.h5, .h5."""
    out: Path | None = None
    """Write here: .csv or .parquet = the table, .weights.h5 = weights only, .keras =
    the whole network. None = print a row for each variable."""
    values: bool = False
    """With --out, a row for each number and not for each variable."""
    load: Path | None = None
    """First give the network the numbers of a table that --values wrote."""
    tree: bool = False
    """List groups, datasets and attributes of the HDF5 file."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(WeightsArguments, arguments, "weights")
    _check(parsed)
    if parsed.tree:
        from kerastpu.weight_tables import hdf5_tree

        entries = hdf5_tree.list_entries(parsed.source)
        plain = {"entries": [dataclasses.asdict(entry) for entry in entries]}
        text = hdf5_tree.text(entries)
        print(json.dumps(plain, indent=2) if parsed.json else text)
        return 0
    backend.select()
    from kerastpu.weight_tables import jobs

    if parsed.out is None:
        rows = jobs.describe(parsed.source, parsed.load)
        plain = {"variables": [jobs.to_dict(row) for row in rows]}
        print(json.dumps(plain, indent=2) if parsed.json else jobs.text(rows))
        return 0
    jobs.write(parsed.source, parsed.out, load=parsed.load, values=parsed.values)
    print(json.dumps({"out": str(parsed.out)}) if parsed.json else f"out: {parsed.out}")
    return 0


def _check(parsed: WeightsArguments) -> None:
    """Refuses flags that do not go together.

    Raises:
        UsageError: says which.
    """
    if parsed.tree and (parsed.out or parsed.values or parsed.load):
        raise UsageError("--tree goes with none of --out, --values and --load")
    if parsed.values and parsed.out is None:
        raise UsageError("--values needs --out: a file that ends in .csv or .parquet")
