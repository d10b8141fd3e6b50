"""A run that is killed at any moment ends as one that never was."""

import kills
import pytest

EVERYTHING = (  # the network has BatchNorm and Dropout
    *("tiny", "--model.name", "mnist_convnet", "--input.image-size", "32"),
    *("--training.epochs", "5", "--training.batch-size", "8"),
    *("--training.deterministic", "--training.checkpoint-seconds", "0"),
    *("--optimizer.ema", "0.9", "--schedule.name", "plateau"),
    *("--schedule.period", "1 epochs", "--training.patience", "3"),
)


@pytest.fixture(scope="module")
def flags(flower_folder):
    return (*EVERYTHING, "--data", str(flower_folder))


@pytest.mark.parametrize(
    ("backend", "num_kills"),
    [
        ("jax", 1),
        pytest.param("tensorflow", 30, marks=pytest.mark.slow),
        pytest.param("jax", 12, marks=pytest.mark.slow),
    ],
)
def test_killed_run_ends_as_one_that_never_was(backend, num_kills, flags, tmp_path):
    code, printed = kills.finish(tmp_path / "whole", flags, backend)
    assert code == 0, printed
    in_writes = kills.kill_often(tmp_path / "killed", flags, backend, num_kills)
    assert in_writes >= 1
    rows, weights = kills.outcome(tmp_path / "killed")
    expected_rows, expected_weights = kills.outcome(tmp_path / "whole")
    assert rows == expected_rows
    assert weights == expected_weights
    files = [{p.name for p in (tmp_path / n).iterdir()} for n in ("whole", "killed")]
    assert files[0] == files[1]
