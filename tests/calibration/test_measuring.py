"""A measured estimate is near the truth, and leaves nothing behind."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import kerastpu
from kerastpu import calibration, datasets, strategy
from kerastpu.calibration.estimate import rough_seconds

QUICK = 0.2  # seconds of measuring


def small(config, **training):
    training = dataclasses.replace(config.training, **training)
    return dataclasses.replace(config, training=training)


def test_counts_and_sizes_of_a_whole_network(tiny_config, tiny_run):
    found = calibration.estimate(tiny_config, QUICK)
    counts = tiny_run.result["data"]["counts"]
    assert (found.counts.photos, found.counts.test) == (counts["train"], counts["test"])
    assert found.counts.steps == counts["train"] // tiny_config.training.batch_size
    assert found.sizes.parameters == tiny_run.result["parameters"]
    assert found.sizes.feature_bytes == 0
    # Adam holds two numbers for each weight beside the weight, in two checkpoints.
    assert found.sizes.checkpoint_bytes >= 2 * 3 * 4 * found.sizes.trainable
    rates = dataclasses.asdict(found.rates)
    assert rates.pop("features") == 0
    assert all(np.isfinite(rate) and rate > 0 for rate in rates.values())


def test_kept_features_are_counted_with_their_views(head_run):
    config = small(head_run.config, feature_dtype="float16", engine="keras")
    found = calibration.estimate(config, QUICK)
    views = config.training.views + 1
    rows = views * found.counts.photos + found.counts.validation
    assert found.counts.views == views
    assert found.counts.steps == found.counts.photos // config.training.batch_size
    width = head_run.load_model().get_layer("features").output.shape[-1]
    assert found.sizes.feature_bytes == rows * width * 2
    assert found.sizes.trainable < found.sizes.parameters / 5
    assert found.counts.missing == rows
    assert found.seconds["features"] == pytest.approx(rows / found.rates.features)


def test_features_that_a_run_has_kept_take_no_time(head_run):
    found = calibration.estimate(head_run.config, QUICK)
    assert found.counts.missing == found.seconds["features"] == 0


def test_a_policy_of_the_users_own_stays(tiny_config):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        calibration.estimate(tiny_config, QUICK)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(before)


def test_a_rough_guess_grows_with_the_work(tiny_config):
    manifest = datasets.prepare(tiny_config)
    once = rough_seconds(small(tiny_config, epochs=100), manifest)
    twice = rough_seconds(small(tiny_config, epochs=200), manifest)
    assert twice == pytest.approx(2 * once)


def test_short_runs_are_not_measured(tiny_config, caplog):
    manifest, caplog.handler.level = datasets.prepare(tiny_config), 0
    caplog.clear()
    calibration.announce(tiny_config, manifest, strategy.resolve("single"))
    assert not caplog.records


def test_a_run_has_the_same_bits_with_and_without(
    tiny_config, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO", "kerastpu")
    config = small(tiny_config, epochs=1, deterministic=True)
    weights = []
    for short in (1e9, 0.0):
        monkeypatch.setattr(calibration, "SHORT_SECONDS", short)
        monkeypatch.setattr(calibration, "MOST_SECONDS", QUICK)
        assert "on this machine" not in caplog.text
        run = kerastpu.train(config, tmp_path / f"{short}")
        weights.append(keras.saving.load_model(run.model_path).get_weights())
    assert "about" in caplog.text and "on this machine" in caplog.text
    for one, other in zip(*weights, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["features", "end_to_end"])
def test_the_estimate_is_within_a_factor_of_two(mode, flower_folder, tmp_path):
    flags = {
        "features": ["flowers", "--training.views", "10", "--input.image-size", "128"],
        "end_to_end": ["tiny", "--training.epochs", "30", "--training.patience", "0"],
    }[mode]
    flags += ["--data", str(flower_folder), "--json"]

    def run(*more):
        command = [sys.executable, "-m", "kerastpu", "train", *flags, *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)["seconds"]["total"]

    estimated = run("--estimate")
    assert not (tmp_path / "run").exists()
    assert 0.5 < estimated / run("--workdir", str(tmp_path / "run")) < 2
