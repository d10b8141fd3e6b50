"""Training steps side by side: `make bench-training`.

Every contender lives in a process of its own and waits; in each round each takes the
same number of steps, so a slow moment of the machine meets all. Medians, with the
slowest and fastest round, go to results/training_step.csv. PyTorch takes part where
`--torch-python` (default: this Python) can import it.
"""

import argparse
import os
import statistics
import sys
import tempfile
from datetime import date
from pathlib import Path

import record
import step_peers
from input import lay_out, race

SCRIPT = Path(step_peers.__file__)
TABLE = Path(__file__).parents[1] / "results" / "training_step.csv"
COLUMNS = (
    *("date", "commit", "command", "network", "image_size", "batch", "cores"),
    *("contender", "images_per_second", "low", "high", "ratio_to_keras", "rounds"),
    "hardware",
)
REFERENCE = "peer: Keras"


def rows(rates, batch, facts):
    """Yields table rows, and prints them."""
    reference = statistics.median(rates[f"{REFERENCE}, batch {batch}"])
    for name, found in rates.items():
        middle = statistics.median(found)
        print(
            f"{middle:8.1f} images/s {middle / reference:5.2f} x Keras  "
            f"({min(found):.1f} to {max(found):.1f})  {name}"
        )
        yield facts | {
            "batch": batch,
            "contender": name.rsplit(", batch ", 1)[0],
            "images_per_second": round(middle, 1),
            "low": round(min(found), 1),
            "high": round(max(found), 1),
            "ratio_to_keras": round(middle / reference, 2),
            "rounds": len(found),
        }


def main():
    """Measures and adds the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="flowers", help="what `--data` takes")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--steps",
        type=int,
        default=3,
        help="in a round; decoding begins anew in each, so that it takes a dozen",
    )
    parser.add_argument("--only", nargs="*", default=list(step_peers.PEERS))
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument(
        "--one-core",
        action="store_true",
        help="one thread, processor time: for a machine that others use too",
    )
    options = parser.parse_args()
    os.environ["BENCH_STEPS"] = str(options.steps)  # which the contenders inherit
    if options.one_core:
        os.environ["BENCH_ONE_CORE"] = "1"
    facts = {
        "date": date.today().isoformat(),
        "commit": record.commit(),
        "command": "make bench-training" + (" --one-core" * options.one_core),
        "network": "efficientnet_lite0",
        "image_size": step_peers.SIZE,
        "cores": 1 if options.one_core else os.cpu_count(),
        "hardware": record.hardware(),
    }
    chosen = [name for name in step_peers.PEERS if name in {REFERENCE, *options.only}]
    names = [f"{name}, batch {options.batch}" for name in chosen]
    with tempfile.TemporaryDirectory() as folder:
        lay_out(options.data, Path(folder))
        rates = race(names, Path(folder), options.rounds, options.torch_python, SCRIPT)
    found = list(rows(rates, options.batch, facts))
    record.append(options.table, COLUMNS, found)


if __name__ == "__main__":
    main()
