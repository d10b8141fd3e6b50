import csv
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH))
    try:
        import tuning

        yield tuning
    finally:
        sys.path.remove(str(BENCH))


def searches():
    return ["lhs-halving", "random", "Hyperband", "Bayesian", "Optuna TPE + Hyperband"]


@pytest.mark.parametrize("name", searches())
def test_every_search_gets_the_same_epochs(bench, name):
    drive = next(
        drive
        for title, drive in bench.tuning_searches.SEARCHES.items()
        if title.removeprefix("peer: ") == name
    )
    problem = bench.PROBLEMS["bowl-2"]
    meter = bench.spend(drive, problem, 3 * problem.epochs, seed=1)
    assert len(meter.held) == 3 * problem.epochs


def test_regret_is_never_negative_on_a_surface(bench):
    for problem in bench.tuning_surfaces.SURFACES.values():
        points = np.random.default_rng(1).random((5_000, len(problem.space.space)))
        assert problem.curves(points).min() >= problem.lowest - 1e-4


@pytest.mark.parametrize("name", ["flowers", "mnist"])
def test_a_stored_configuration_gives_its_own_curve(bench, name):
    replay = bench.PROBLEMS[name]
    path = bench.tuning_replay.tuning_curves.path(name)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    design = bench.tuning_replay.tuning_curves.design(name)
    for number in (0, 17, len(rows) - 1):
        seen = [error for error, _ in replay.run(design[number], seed=0)]
        wrong = [int(count) for count in rows[number]["validation_wrong"].split()]
        examples = bench.tuning_replay.EXAMPLES[name]
        assert seen == [count / examples for count in wrong]


def test_the_lean_regressor_predicts_what_its_parent_does(bench):
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels

    rng = np.random.default_rng(0)
    points, targets = rng.random((12, 2)), rng.random(12)
    kernel = kernels.Matern(0.5, length_scale_bounds="fixed", nu=2.5)
    theirs = GaussianProcessRegressor(kernel, alpha=1e-4, normalize_y=True)
    ours = bench.tuning_searches.tuning_gaussian.lean(theirs)
    asked = rng.random((20, 2))
    for one in (theirs, ours):
        one.fit(points, targets)
    expected = theirs.predict(asked, return_std=True)
    np.testing.assert_allclose(
        ours.predict(asked, return_std=True), expected, atol=1e-8
    )
