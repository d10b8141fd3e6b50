"""Input pipelines side by side: `make bench-input`.

Every pipeline lives in a process of its own and waits; in each round each makes one
pass over the same photos, so a slow moment of the machine meets all. Medians, with the
slowest and fastest round, go to results/throughput.csv. The peer torchvision takes part
where `--torch-python` (default: this Python) can import it.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import record

import data_pipelines
from data_pipelines.shards.reader import Table

PEERS = Path(__file__).with_name("peers.py")
TABLE = Path(__file__).parents[1] / "results" / "throughput.csv"
COLUMNS = (
    *("date", "commit", "command", "data", "images", "image_size", "pipeline"),
    *("images_per_second", "low", "high", "share_of_limit", "rounds", "hardware"),
)
LIMIT = "decode only"
# What is compared on photos as they are, and on shards made at the training size.
AS_STORED = (
    LIMIT,
    "training",
    "training, window order",
    "training, codelab policy",
    "training, second epoch from cache",
    "evaluation",
    "evaluation, second pass from cache",
    "peer: codelab, training",
    "peer: codelab, evaluation",
    "peer: image_dataset_from_directory, training",
    "peer: image_dataset_from_directory, evaluation",
    "peer: torchvision, training",
    "peer: torchvision, evaluation",
)
AT_SIZE = (LIMIT, "evaluation", "training, flips only")


class Worker:
    """A process that makes one pass over the photos for every line it is sent."""

    def __init__(self, name: str, folder: Path, python: str, script: Path = PEERS):
        self.name, self.rates = name, []
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed by close
        self.process = subprocess.Popen(
            [python, str(script), name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        # Wait, so that warming up disturbs no other.
        if self.read() != "ready":
            raise RuntimeError("did not get ready")

    def read(self) -> str:
        """Returns its next line.

        Raises:
            RuntimeError: it has died; holds its last words.
        """
        line = self.process.stdout.readline().strip()
        if not line:
            self.errors.seek(0)
            words = self.errors.read().strip().splitlines() or ["no message"]
            raise RuntimeError(words[-1])
        return line

    def measure(self):
        """Makes one pass."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.rates.append(float(self.read()))

    def close(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.errors.close()


def lay_out(data: str, folder: Path, **settings) -> data_pipelines.Manifest:
    """Writes the training photos as shards and, the same bytes, as files."""
    source = data_pipelines.open_source(data, download=False)
    manifest = data_pipelines.prepare(source, folder / "shards", **settings)
    table = Table(manifest, "train")
    for index, label in enumerate(table.labels):
        path = folder / "files" / manifest.class_names[label] / f"{index:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(table.read(index))
    return manifest


def race(
    names, folder: Path, rounds: int, torch_python: str, script: Path = PEERS
) -> dict[str, list[float]]:
    """Returns images per second of every round, by pipeline."""
    workers = []
    for name in names:
        python = torch_python if "torch" in name.lower() else sys.executable
        try:
            workers.append(Worker(name, folder, python, script))
        except RuntimeError as error:
            print(f"{name}: left out, {error}", file=sys.stderr)
    for number in range(rounds):
        for worker in workers:
            worker.measure()
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    for worker in workers:
        worker.close()
    return {worker.name: worker.rates for worker in workers}


def rows(rates, facts):
    """Yields table rows, and prints them."""
    limit = statistics.median(rates[LIMIT])
    for name, found in rates.items():
        middle = statistics.median(found)
        print(
            f"{middle:8.0f} images/s {middle / limit:5.2f} of the limit  "
            f"({min(found):.0f} to {max(found):.0f})  {name}"
        )
        yield facts | {
            "pipeline": name,
            "images_per_second": round(middle),
            "low": round(min(found)),
            "high": round(max(found)),
            "share_of_limit": round(middle / limit, 3),
            "rounds": len(found),
        }


def main():
    """Measures and adds the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="flowers", help="what `--data` takes")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    facts = {
        "date": date.today().isoformat(),
        "commit": record.commit(),
        "command": "make bench-input",
        "data": record.without_paths(options.data),
        "image_size": 224,
        "hardware": record.hardware(),
    }
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for names, settings in ((AS_STORED, {}), (AT_SIZE, {"image_size": 224})):
            folder = Path(scratch) / f"{settings}"
            manifest = lay_out(options.data, folder, **settings)
            images = manifest.num_examples("train")
            kind = "prepared at 224 pixels" if settings else "as stored"
            print(f"{images} photos, {kind}")
            rates = race(names, folder, options.rounds, options.torch_python)
            data = f"{facts['data']}, {kind}"
            found += rows(rates, facts | {"images": images, "data": data})
    record.append(options.table, COLUMNS, found)


if __name__ == "__main__":
    main()
