"""Trains the configurations whose curves are replayed: `make bench-tuning-curves`.

One row of results/tuning_curves_NAME.csv is one training of 27 epochs: values, then how
many validation examples, and how many others, were told wrong after each epoch. Rows
that are there are not trained again.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import tuning_data
import tuning_spaces
from scipy.stats import qmc

RESULTS = Path(__file__).parents[1] / "results"
NUM_CONFIGURATIONS = {"flowers": 160, "mnist": 144}
COUNTS = ("validation_wrong", "others_wrong")


def path(name: str) -> Path:
    """Returns the file of a space's curves."""
    return RESULTS / f"tuning_curves_{name}.csv"


def design(name: str) -> list[tuning_spaces.Values]:
    """Returns the values to be trained: a scrambled Halton sequence, even in any part.

    Not a Latin hypercube: the table must not have the form of one of the searches.
    """
    space = tuning_spaces.SPACES[name]()
    points = qmc.Halton(len(space.space), rng=0).random(NUM_CONFIGURATIONS[name])
    return [tuning_spaces.from_unit(space, point) for point in points]


def train(name: str) -> None:
    """Adds the rows that are missing."""
    from kerastpu import backend

    backend.start("tensorflow")
    import keras
    import tensorflow as tf
    import tuning_heads

    # Matrices are small: a second thread costs more than it brings.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    data, table = tuning_data.DATA[name](), path(name)
    done = len(table.read_text().splitlines()) - 1 if table.exists() else 0
    for number, values in enumerate(design(name)):
        if number < done:
            continue
        keras.backend.clear_session()  # else what is kept of each adds up
        head = tuning_heads.Head(values, data, seed=number)
        wrong = head.train(tuning_heads.EPOCHS)
        counts = (" ".join(map(str, column)) for column in wrong.T)
        _append(table, values | dict(zip(COUNTS, counts, strict=True)))
        shown = np.round(wrong[[0, 8, -1], 0] / len(data.validation.labels), 3)
        print(f"{name} {number + 1}/{NUM_CONFIGURATIONS[name]}: {shown}", flush=True)


def _append(table: Path, row: dict[str, object]) -> None:
    is_new = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=list(tuning_spaces.SPACES))
    for one in parser.parse_args().names:
        train(one)
