"""A run on gray images, from files to predictions, on both backends."""

import dataclasses
import json
import os
import subprocess
import sys

import keras
import pytest

import kerastpu
from kerastpu import presets, scoring
from kerastpu.errors import UsageError


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def run(request, flower_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gray") / request.param
    flags = [
        *("--data", str(flower_folder), "--input.color", "gray"),
        *("--training.epochs", "1", "--backend", request.param),
        *("--workdir", str(folder), "--json"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "kerastpu", "train", "tiny", *flags],
        env={k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == json.loads((folder / "result.json").read_text())
    return kerastpu.load_run(folder)


def test_the_saved_model_takes_one_channel(run):
    model = keras.saving.load_model(run.model_path)
    assert model.input_shape == (None, 48, 48, 1)
    assert (run.workdir / "predictions.png").is_file()


def test_it_is_scored_and_predicts_without_being_told(run, flower_folder):
    # Scored in this process, on TensorFlow, whatever it was trained on.
    config = dataclasses.replace(run.config, backend="tensorflow")
    run = dataclasses.replace(run, config=config)
    scores = scoring.score_run(run, split="test")
    assert scores.accuracy == pytest.approx(run.accuracy, abs=0.05)
    [told] = scoring.predict_files(run, [next(flower_folder.rglob("*.jpg"))])
    assert sum(told.probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_weights_for_three_channels_are_refused(flower_folder, tmp_path):
    flowers = presets.get("flowers")
    config = dataclasses.replace(
        flowers,
        data=str(flower_folder),
        input=dataclasses.replace(flowers.input, color="gray", image_size=64),
    )
    with pytest.raises(UsageError, match="3 channels"):
        kerastpu.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
