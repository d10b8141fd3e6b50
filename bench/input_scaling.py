"""Memory over 20 epochs, and time against the amount of data: `make bench-scaling`.

Rows go to results/input_scaling.csv: resident memory after each epoch of training
batches, and seconds of one epoch at 1/8, 1/4, 1/2 and all of the photos, in turns.
"""

import argparse
import csv
import os
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import record

import data_pipelines

TABLE = Path(__file__).parents[1] / "results" / "input_scaling.csv"
COLUMNS = (
    *("date", "commit", "command", "data", "measure", "at", "value", "unit"),
    "hardware",
)
BATCH, SIZE, EPOCHS = 64, 224, 20


def resident_mib() -> float:
    """Returns the memory of this process that is in RAM."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def epoch(dataset) -> float:
    """Returns the seconds of one pass."""
    start = time.perf_counter()
    for _ in dataset:
        pass
    return time.perf_counter() - start


def training(manifest):
    """Returns one epoch of training batches."""
    dataset = data_pipelines.make_train(
        manifest, image_size=SIZE, batch_size=BATCH, seed=0
    )
    return dataset.take(manifest.num_examples("train") // BATCH)


def main():
    """Measures and adds the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="flowers", help="what `--data` takes")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    source = data_pipelines.open_source(options.data, download=False)
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        manifests = []
        for parts in (8, 4, 2, 1):
            some = replace(
                source,
                examples=source.examples[::parts],
                fingerprint=f"{source.fingerprint}/{parts}",
            )
            folder = Path(scratch) / str(parts)
            manifests.append(data_pipelines.prepare(some, folder))
        datasets = [training(manifest) for manifest in manifests]
        seconds = [[] for _ in datasets]
        for _ in range(options.rounds + 1):
            for dataset, taken in zip(datasets, seconds, strict=True):
                taken.append(epoch(dataset))
        for manifest, taken in zip(manifests, seconds, strict=True):
            images = manifest.num_examples("train") // BATCH * BATCH
            middle = statistics.median(taken[1:])  # the first pass warmed up
            found.append(("seconds of an epoch", f"{images} images", middle, "s"))
        for number in range(EPOCHS):
            epoch(datasets[-1])
            at = f"after epoch {number + 1}"
            found.append(("resident memory", at, resident_mib(), "MiB"))
    facts = {
        "date": date.today().isoformat(),
        "commit": record.commit(),
        "command": "make bench-scaling",
        "data": record.without_paths(options.data),
        "hardware": record.hardware(),
    }
    is_new = not TABLE.exists()
    with TABLE.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        for measure, at, value, unit in found:
            print(f"{measure}, {at}: {value:.2f} {unit}")
            row = {"measure": measure, "at": at, "value": f"{value:.2f}", "unit": unit}
            writer.writerow(facts | row)


if __name__ == "__main__":
    main()
