"""A run folder belongs to one config, and nothing in it is half-written."""

import dataclasses
import json
import zipfile

import keras
import numpy as np
import pytest

from kerastpu import files, presets, runs
from kerastpu.errors import KerastpuError, UsageError


@pytest.fixture
def config():
    return presets.get("tiny")


def test_folder_is_taken_up_by_the_same_config_only(tmp_path, config):
    runs.open_run(tmp_path / "run", config)
    runs.open_run(tmp_path / "run", config)
    other = dataclasses.replace(config, seed=7)
    with pytest.raises(UsageError, match=r"another config .*seed is 0 there, 7 here"):
        runs.open_run(tmp_path / "run", other)


def test_strangers_files_are_left_alone(tmp_path, config):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"holds files but no config\.json"):
        runs.open_run(tmp_path, config)
    with pytest.raises(UsageError, match="is a file"):
        runs.open_run(tmp_path / "thesis.txt", config)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_unfinished_and_absent_runs_are_told_apart(tmp_path, config):
    with pytest.raises(UsageError, match="not a run folder"):
        runs.load_run(tmp_path)
    runs.open_run(tmp_path / "run", config)
    with pytest.raises(UsageError, match="has not finished"):
        runs.load_run(tmp_path / "run")


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "result.json"
    runs.write_json(path, {"accuracy": 0.9})
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "\ud800")  # a lone surrogate has no UTF-8 form
    assert json.loads(path.read_text()) == {"accuracy": 0.9}
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def model():
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, activation="softmax")]
    )


def test_saved_model_carries_class_names_and_is_not_compiled(tmp_path, model):
    path = tmp_path / "model.keras"
    model.compile("adam", "sparse_categorical_crossentropy")
    runs.save_model(model, path, ("roses", "tulips"))
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read(runs.CARD))["class_names"] == ["roses", "tulips"]
    loaded = keras.saving.load_model(path)
    assert not loaded.compiled
    inputs = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_array_equal(loaded.predict(inputs), model.predict(inputs))
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_model_is_one_clear_line(tmp_path, model):
    path = tmp_path / "model.keras"
    with pytest.raises(KerastpuError, match="no model at"):
        runs.load_model(path)
    runs.save_model(model, path, ("a", "b"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(KerastpuError, match="cut short"):
        runs.load_model(path)
