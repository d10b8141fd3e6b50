"""The searches on real trainings of heads on flower features: `make bench-tuning-live`.

Nothing is replayed: each set is a Keras model that trains on from where it was. Adds
rows to results/tuning_live.csv: errors of the model that a search hands over, on the
photos it validates on and on others that it never sees.
"""

import argparse
import os
from collections.abc import Iterator
from datetime import date

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import record
import tuning
import tuning_data
import tuning_heads
import tuning_searches
import tuning_spaces

TABLE = tuning.ROOT / "results" / "tuning_live.csv"
COLUMNS = (
    *("date", "commit", "command", "data", "search", "seed", "trainings", "epochs"),
    *("sets", "validation_error", "others_error", "hardware"),
)


class Live:
    """A problem of real trainings; see `tuning_meter.Problem`.

    What counts as the true error is that on the other photos.
    """

    epochs, lowest = tuning_heads.EPOCHS, 0.0

    def __init__(self, name: str):
        self.name, self.space = name, tuning_spaces.SPACES[name]()
        self.data = tuning_data.DATA[name]()
        self.sets, self.seen = 0, 1.0

    def run(
        self, values: tuning_spaces.Values, seed: int
    ) -> Iterator[tuple[float, float]]:
        """Yields (validation error, error on the others) after each epoch."""
        self.sets += 1
        head = tuning_heads.Head(values, self.data, seed * 1000 + self.sets)
        for _ in range(self.epochs):
            ((wrong, others),) = head.train(1)
            error = wrong / len(self.data.validation.labels)
            self.seen = min(self.seen, error)
            yield error, others / len(self.data.others.labels)


def main() -> None:
    """Searches and adds a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=list(tuning_data.DATA), default="flowers")
    parser.add_argument("--searches", nargs="*", default=list(tuning_searches.SEARCHES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trainings", type=int, default=8)
    options = parser.parse_args()
    problem = Live(options.data)
    budget = options.trainings * problem.epochs
    for seed in range(options.seeds):
        for search in options.searches:
            problem.sets, problem.seen = 0, 1.0
            drive = tuning_searches.SEARCHES[search]
            meter = tuning.spend(drive, problem, budget, seed)
            row = {
                "date": date.today().isoformat(),
                "commit": record.commit(),
                "command": f"make bench-tuning-live ARGS='--data {options.data}'",
                "data": options.data,
                "search": search,
                "seed": seed,
                "trainings": options.trainings,
                "epochs": len(meter.held),
                "sets": problem.sets,
                "validation_error": round(problem.seen, 4),
                "others_error": round(meter.held[-1], 4),
                "hardware": record.hardware(),
            }
            record.append(TABLE, COLUMNS, [row])
            print(*row.values(), flush=True)
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
