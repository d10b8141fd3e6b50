"""Features once, from the shards to the file: `make bench-features`.

Processes that wait for their turn, as in `bench/input.py`. An end-to-end rate is also
given as a share of 1 / (time to decode + time of the engine), both alone, in the same
rounds. Medians, with the slowest and fastest round, go to results/features.csv.
"""

import argparse
import statistics
import sys
import tempfile
from datetime import date
from pathlib import Path

import feature_peers
import input as input_bench
import record

SCRIPT = Path(feature_peers.__file__)
TABLE = Path(__file__).parents[1] / "results" / "features.csv"
COLUMNS = (
    *("date", "commit", "command", "data", "images", "image_size", "network"),
    *("pipeline", "images_per_second", "low", "high", "share_of_sum", "rounds"),
    "hardware",
)


def share_of_sum(rates: dict[str, list[float]], name: str) -> float | None:
    """Returns an end-to-end rate as a share of decoding, then computing.

    The median over rounds: what stands side by side was measured side by side.
    """
    engine, _, kind = name.partition(", ")
    if kind != "end to end":
        return None
    columns = (rates[name], rates["decode only"], rates[f"{engine}, ready batches"])
    return statistics.median(
        rate * (1 / decode + 1 / ready)
        for rate, decode, ready in zip(*columns, strict=True)
    )


def rows(rates, facts):
    """Yields table rows, and prints them."""
    for name, found in rates.items():
        middle, share = statistics.median(found), share_of_sum(rates, name)
        note = "" if share is None else f", {share:.2f} of 1 / (decode + engine)"
        print(f"{middle:7.0f} images/s  {name}{note}")
        yield facts | {
            "pipeline": name,
            "images_per_second": round(middle),
            "low": round(min(found)),
            "high": round(max(found)),
            "share_of_sum": "" if share is None else round(share, 3),
            "rounds": len(found),
        }


def main():
    """Measures and adds the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="flowers", help="what `--data` takes")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        input_bench.lay_out(options.data, folder)
        facts = {
            "date": date.today().isoformat(),
            "commit": record.commit(),
            "command": "make bench-features",
            "data": record.without_paths(options.data),
            "images": feature_peers.batches_of(folder).num_examples,
            "image_size": feature_peers.SIZE,
            "network": feature_peers.NETWORK,
            "hardware": record.hardware(),
        }
        rates = input_bench.race(
            feature_peers.PIPELINES, folder, options.rounds, sys.executable, SCRIPT
        )
    found = list(rows(rates, facts))
    record.append(options.table, COLUMNS, found)


if __name__ == "__main__":
    main()
