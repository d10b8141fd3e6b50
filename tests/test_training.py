"""A run from files to a saved, scored model, as its user meets it."""

import csv
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import data_pipelines
import kerastpu
from kerastpu import datasets, scoring
from kerastpu.cli.main import main
from kerastpu.errors import UsageError

FILES = {
    *("config.json", "env.json", "metrics.csv", "result.json"),
    *("model.keras", "last.keras", "tensorboard"),
    *("training_curves.png", "learning_rate.png"),
    *("confusion_matrix.png", "predictions.png"),
}


def test_run_folder_holds_what_the_readme_says(head_run, tiny_run):
    for run in (head_run, tiny_run):
        assert {path.name for path in run.workdir.iterdir()} == FILES
        for path in run.workdir.glob("*.png"):
            with Image.open(path) as image:
                assert min(image.size) > 300


def test_test_split_is_scored_once_per_image(head_run, flower_folder):
    test = head_run.result["test"]
    counts = head_run.result["data"]["counts"]
    assert test["count"] == counts["test"] == np.sum(test["confusion"])
    assert sum(counts.values()) == len(list(flower_folder.rglob("*.jpg")))
    assert test["interval"][0] <= test["accuracy"] <= test["interval"][1]
    assert np.trace(test["confusion"]) / test["count"] == test["accuracy"]


def test_head_on_imagenet_features_learns_flowers(head_run):
    # Five classes, 100 training images, 64 pixels: chance is 20 %.
    assert head_run.accuracy > 0.45


def test_learning_rate_of_the_optimizer_is_recorded_and_moves(head_run):
    with (head_run.workdir / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rates = [float(row["learning_rate"]) for row in rows]
    assert len(rows) == head_run.config.training.epochs
    assert rates[0] > rates[-1] > 0
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])


def test_synthetic_data_and_accelerator_are_recorded(head_run):
    result = head_run.result
    assert result["data"]["is_synthetic"] is False  # a plain folder claims nothing
    assert result["accelerator"]["kind"] == "single"
    assert any("short_steps" in reason for reason in result["accelerator"]["reasons"])
    assert result["seconds"]["total"] >= result["seconds"]["fit"] > 0


def test_finished_run_is_not_run_again(tiny_run, tiny_config):
    before = (tiny_run.workdir / "result.json").stat().st_mtime_ns
    (tiny_run.workdir / "checkpoints").mkdir()  # its process died before the last step
    again = kerastpu.train(tiny_config, tiny_run.workdir)
    assert again.result == tiny_run.result
    assert not (tiny_run.workdir / "checkpoints").exists()
    assert (tiny_run.workdir / "result.json").stat().st_mtime_ns == before


def test_same_seed_gives_the_same_model(tiny_run, tiny_config, tmp_path):
    again = kerastpu.train(tiny_config, tmp_path / "again")
    ours, theirs = (run.load_model().get_weights() for run in (tiny_run, again))
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, yours, rtol=1e-4, atol=1e-5)


def test_fallback_is_recorded_though_its_shards_were_there(tiny_config, flower_folder):
    source = data_pipelines.from_folder(flower_folder)
    noted = dataclasses.replace(source, notes=("NO REAL PHOTOS",), is_synthetic=True)
    for each in (source, noted, source):
        facts = datasets.facts(datasets.prepare(tiny_config, source=each))
        assert facts["notes"] == each.notes
        assert facts["is_synthetic"] == each.is_synthetic


def test_shuffled_labels_keep_the_images_and_the_counts(tiny_config, flower_folder):
    source = data_pipelines.from_folder(flower_folder)
    shuffled = datasets.shuffle_labels(source, seed=0)
    labels, dealt = ([e.label for e in s.examples] for s in (source, shuffled))
    assert sorted(labels) == sorted(dealt)
    agreement = np.mean(np.array(labels) == dealt)
    assert 0.05 < agreement < 0.4  # chance is 20 % of 150
    assert shuffled.fingerprint != source.fingerprint


PLAIN_KERAS = """
import importlib.abc, sys
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("kerastpu", "data_pipelines"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1])
images = np.load(sys.argv[2])
np.save(sys.argv[3], model.predict(images, verbose=0))
"""


def test_model_loads_with_plain_keras_and_takes_uint8(head_run, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    paths = [str(tmp_path / "images.npy"), str(tmp_path / "out.npy")]
    subprocess.run(
        [sys.executable, "-c", PLAIN_KERAS, str(head_run.model_path), *paths],
        check=True,
        timeout=120,
        cwd=tmp_path,
    )
    there = np.load(tmp_path / "out.npy")
    np.testing.assert_allclose(there.sum(axis=1), 1, rtol=1e-5)
    here = head_run.load_model().predict(images, verbose=0)
    np.testing.assert_allclose(there, here, atol=1e-5)


def test_evaluate_repeats_the_score_of_the_run(capsys, head_run):
    assert main(["evaluate", str(head_run.workdir), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["confusion"] == head_run.result["test"]["confusion"]
    assert scores["loss"] == pytest.approx(head_run.result["test"]["loss"], rel=1e-4)


def test_evaluate_refuses_data_of_other_classes(capsys, head_run, two_class_folder):
    code = main(["evaluate", str(head_run.workdir), "--data", str(two_class_folder)])
    assert code == 2
    assert "not the same: cat, dog not known to the model" in capsys.readouterr().err


def test_predict_agrees_with_evaluate(capsys, head_run, flower_folder):
    files = sorted(map(str, flower_folder.rglob("*.jpg")))
    assert main(["predict", str(head_run.workdir), *files, "--json"]) == 0
    predictions = json.loads(capsys.readouterr().out)
    assert [item["path"] for item in predictions] == files
    for item in predictions:
        assert sum(item["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert item["label"] == max(
            item["probabilities"], key=item["probabilities"].get
        )
    right = sum(Path(item["path"]).parent.name == item["label"] for item in predictions)
    whole = scoring.score_run(head_run, split="all")
    assert whole.count == len(files)
    assert right == np.trace(whole.confusion)


def test_predict_names_the_file_that_is_no_image(capsys, head_run, tmp_path):
    (tmp_path / "note.jpg").write_text("not an image")
    code = main(["predict", str(head_run.workdir), str(tmp_path / "note.jpg")])
    assert code == 1
    assert "note.jpg: not an image" in capsys.readouterr().err


def test_arrays_train_like_files(tiny_config, tmp_path):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    images = random.integers(0, 100, (80, 20, 20, 3), np.uint8)
    images[labels == 1] += 120
    source = data_pipelines.from_arrays(images, labels, ("dark", "bright"))
    run = kerastpu.train(tiny_config, tmp_path / "run", source=source)
    assert run.class_names == ("dark", "bright")
    assert run.result["data"]["kind"] == "arrays"
    assert run.result["test"]["count"] > 0
    assert kerastpu.train(tiny_config, tmp_path / "run", source=source) == run
    other = data_pipelines.from_arrays(255 - images, labels, ("dark", "bright"))
    with pytest.raises(UsageError, match="other data"):
        kerastpu.train(tiny_config, tmp_path / "run", source=other)


WITHOUT_TENSORFLOW = Path(__file__).parent / "scripts" / "train_without_tensorflow.py"


def test_trains_on_two_jax_devices_where_tensorflow_is_absent(flower_folder, tmp_path):
    done = subprocess.run(
        [sys.executable, str(WITHOUT_TENSORFLOW), str(flower_folder), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["accelerator"]["backend"] == "jax"
    assert result["accelerator"]["num_replicas"] == 2
    # Trained and saved on JAX, scored here on TensorFlow: the same file, the same test.
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    manifest = data_pipelines.load_manifest(done.stdout.split()[-1])
    scores = scoring.score_split(model, manifest, "test")[0]
    assert scores.loss == pytest.approx(result["test"]["loss"], rel=0.02)
