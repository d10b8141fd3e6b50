"""Searches against each other at equal epochs: `make bench-tuning`.

Each search drives each problem with each seed; what the model that it would hand over
lacks to the best there is, its regret, is noted at several budgets. Seeds that are in
the folder of raw figures are not run again. Medians over the seeds, with a bootstrap
interval, become results/tuning.csv, and pictures of them go to docs/.
"""

import argparse
import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import record
import tuning_meter
import tuning_plot
import tuning_replay
import tuning_searches
import tuning_surfaces

ROOT = Path(__file__).parents[1]
TABLE, RAW = ROOT / "results" / "tuning.csv", ROOT / "runs" / "bench-tuning"
PROBLEMS: dict[str, tuning_meter.Problem] = (
    tuning_surfaces.SURFACES | tuning_replay.REPLAYS
)
BUDGETS = (2, 4, 6, 8, 12, 16)  # in whole trainings
COLUMNS = (
    *("date", "commit", "command", "problem", "search", "trainings", "epochs"),
    *("regret_points", "low", "high", "seeds", "hardware"),
)
Figures = dict[int, list[float]]  # seed -> regret at each budget, a share


def measure(problem: tuning_meter.Problem, search: str, seed: int) -> list[float]:
    """Returns the regret at each budget.

    A search that plans for its budget is run once for each of them.
    """
    drive = tuning_searches.SEARCHES[search]
    longest = max(BUDGETS) * problem.epochs
    regrets = []
    for budget in (trainings * problem.epochs for trainings in BUDGETS):
        if not regrets or search in tuning_searches.PLANNED:
            planned = search in tuning_searches.PLANNED
            meter = spend(drive, problem, budget if planned else longest, seed)
        regrets.append(meter.regret(budget))
    return regrets


def spend(
    drive: tuning_searches.Search,
    problem: tuning_meter.Problem,
    budget: int,
    seed: int,
) -> tuning_meter.Meter:
    """Lets a search spend a budget, in epochs, and returns the meter."""
    meter = tuning_meter.Meter(problem, budget, seed)
    try:
        drive(problem, meter, budget, seed)
    except tuning_meter.Spent:
        return meter
    return meter  # it ended by itself


def raw_path(folder: Path, problem: str, search: str) -> Path:
    """Returns the file of raw figures."""
    return folder / f"{problem}-{search.removeprefix('peer: ').replace(' ', '_')}.csv"


def read(path: Path) -> Figures:
    """Reads raw figures; none where there is no file."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        return {int(seed): [float(one) for one in rest] for seed, *rest in rows}


def run(
    folder: Path, names: Sequence[str], searches: Sequence[str], seeds: int
) -> None:
    """Measures what is missing, all problems with a few seeds before more seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        for name in names:
            for search in searches:
                path = raw_path(folder, name, search)
                if seed in read(path):
                    continue
                regrets = measure(PROBLEMS[name], search, seed)
                with path.open("a", encoding="utf-8") as file:
                    print(seed, *(f"{one:.6f}" for one in regrets), sep=",", file=file)
        print(f"seed {seed} done", flush=True)


def interval(values: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % bootstrap interval of a median, by percentiles."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(values, (5_000, len(values)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return float(low), float(high)


def rows(folder: Path) -> Iterator[Mapping[str, object]]:
    """Yields the rows of the table."""
    facts = {
        "date": date.today().isoformat(),
        "commit": record.commit(),
        "command": "make bench-tuning",
        "hardware": record.hardware(),
    }
    for name, problem in PROBLEMS.items():
        for search in tuning_searches.SEARCHES:
            figures = read(raw_path(folder, name, search))
            for column, trainings in enumerate(BUDGETS if figures else ()):
                points = 100 * np.array([one[column] for one in figures.values()])
                low, high = interval(points)
                yield facts | {
                    "problem": name,
                    "search": search,
                    "trainings": trainings,
                    "epochs": trainings * problem.epochs,
                    "regret_points": f"{np.median(points):.3f}",
                    "low": f"{low:.3f}",
                    "high": f"{high:.3f}",
                    "seeds": len(points),
                }


def show(found: Sequence[Mapping[str, object]]) -> None:
    """Prints the medians, a line for each problem and search."""
    for first in found:
        if first["trainings"] != BUDGETS[0]:
            continue
        same = [
            f"{float(str(one['regret_points'])):6.2f} "
            f"[{float(str(one['low'])):.2f}, {float(str(one['high'])):.2f}]"
            for one in found
            if (one["problem"], one["search"]) == (first["problem"], first["search"])
        ]
        print(f"{first['problem']:10} {first['search']:28}", *same, first["seeds"])


def main() -> None:
    """Measures, writes the table and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--searches", nargs="*", default=list(tuning_searches.SEARCHES))
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--raw", type=Path, default=RAW)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    run(options.raw, options.problems, options.searches, options.seeds)
    found = list(rows(options.raw))
    options.table.unlink(missing_ok=True)
    record.append(options.table, COLUMNS, found)
    show(found)
    if options.table == TABLE:
        tuning_plot.draw(TABLE, ROOT / "docs")


if __name__ == "__main__":
    main()
