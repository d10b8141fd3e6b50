"""A fit that is broken off at any step goes on to the same bits."""

import dataclasses
import shutil
import signal

import breaks
import fits
import pytest
from breaks import STEPS

from kerastpu import runs
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.resuming import checkpoints
from kerastpu.stopping import Stopped, Stopping


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The outcome of a run in one go; early stopping ends it."""
    found = breaks.run(tmp_path_factory.mktemp("whole"), breaks.config_of())
    assert 2 <= len(found[-1]) <= 5
    return found


def test_stopped_in_many_steps(whole, tmp_path):
    """In the first step, in an epoch's last ones, twice in an epoch, between two."""
    config = breaks.config_of()
    for step in (1, STEPS - 1, STEPS, STEPS + 1, STEPS + 3, 2 * STEPS):
        assert breaks.stopped_at(tmp_path, config, step)
    assert breaks.run(tmp_path, config) == whole


@pytest.mark.parametrize("epoch", [0, 1])
def test_stopped_while_an_epoch_is_scored(whole, tmp_path, epoch):
    stopping = Stopping()
    scored = breaks.StoppedWhileScoring(stopping, epoch)
    with pytest.raises(Stopped):
        breaks.run(tmp_path, breaks.config_of(), stopping=stopping, scored=scored)
    assert stopping.signal == signal.SIGINT
    assert breaks.run(tmp_path, breaks.config_of()) == whole


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
def test_died_without_a_word(whole, tmp_path, seconds):
    """With a checkpoint of the step before, and with none at all."""
    config = breaks.config_of(checkpoint_seconds=seconds)

    def die(done, total):
        if done == (STEPS + 4) * fits.BATCH_SIZE:
            raise MemoryError

    with pytest.raises(MemoryError):
        breaks.run(tmp_path, config, update=die)
    assert (tmp_path / "checkpoints").exists() == (seconds == 0)
    assert breaks.run(tmp_path, config) == whole


def test_taken_up_after_its_end(whole, tmp_path):
    """As when the process died while it scored the test images."""
    config = breaks.config_of(checkpoint_seconds=0.0)
    for _ in range(2):
        assert breaks.run(tmp_path, config) == whole


def test_accumulated_gradients_go_on(tmp_path):
    config = fits.config_of(name="sgd", accumulate=3, ema=0.8)
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    expected = breaks.run(tmp_path / "whole", config)
    for step in (2, 10):
        assert breaks.stopped_at(tmp_path / "broken", config, step)
    assert breaks.run(tmp_path / "broken", config) == expected


def test_checkpoint_of_another_run_is_refused(tmp_path):
    config = breaks.config_of()
    assert breaks.stopped_at(tmp_path, config, 2, identity={"data": "roses"})
    with pytest.raises(UsageError, match=r"begun with data roses, and here it is tul"):
        breaks.run(tmp_path, config, identity={"data": "tulips"})
    with pytest.raises(UsageError, match=r"steps in an epoch 6, .* it is 3;"):
        breaks.run(tmp_path, config, identity={"data": "roses"}, batch_size=16)


def test_a_fit_that_has_ended_is_in_its_checkpoint(tmp_path):
    """So that whoever dies while test images are scored trains no epoch again."""
    config = breaks.config_of()
    *_, rows = breaks.run(tmp_path, config)
    kept = checkpoints.Checkpoints(tmp_path / runs.CHECKPOINTS).newest()
    assert kept["num_scored"] == len(rows)


def test_checkpoint_of_another_version_is_refused(tmp_path):
    """Its optimizer may have its variables in another order."""
    config = breaks.config_of()
    assert breaks.stopped_at(tmp_path, config, 2, identity={"keras": "3.0.0"})
    with pytest.raises(UsageError, match=r"begun with keras 3\.0\.0, and here it is"):
        breaks.run(tmp_path, config)


def test_loss_that_explodes_ends_with_advice(tmp_path):
    config = fits.config_of(learning_rate=1e-3, epochs=4)
    config = dataclasses.replace(
        config,
        schedule=dataclasses.replace(
            config.schedule, name="custom", function="0:0.05,25%:1000"
        ),
    )
    with pytest.raises(KerastpuError, match=r"diverges; lower optimizer\.learning"):
        fits.run(tmp_path, config)


def test_vanished_folder_ends_the_run_with_one_line(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()

    def remove(done, total):
        if done == 4 * fits.BATCH_SIZE:
            shutil.rmtree(folder)

    config = breaks.config_of(checkpoint_seconds=0.0)
    with pytest.raises(KerastpuError, match=r"run/checkpoints: No such file or dir"):
        breaks.run(folder, config, update=remove)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_replicas_go_on_as_well(backend):
    found = fits.on_replicas(backend, breaks.__file__)
    assert found["stops"] == [True] * 3
    assert found["same"] and found["gap"] < 1e-6
