"""`kerastpu weights`: from runs and files to tables, weights alone, whole networks."""

import json
import zipfile

import keras
import numpy as np
import pytest

from kerastpu import runs
from tests import commands


def assert_same(found, expected):
    for mine, theirs in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_run_and_its_file_show_every_variable(capsys, tiny_run):
    model = tiny_run.load_model()
    facts = json.loads(commands.succeed(capsys, "weights", tiny_run.workdir, "--json"))[
        "variables"
    ]
    assert [tuple(row["shape"]) for row in facts] == [w.shape for w in model.weights]
    text = commands.succeed(capsys, "weights", tiny_run.model_path)
    assert f"{len(model.weights)} variables, {model.count_params():,} numbers" in text
    assert [line.split()[0] for line in text.splitlines()[2:-2]] == [
        row["layer"] for row in facts
    ]


def test_weights_alone_and_the_whole_network_are_written(capsys, tiny_run, tmp_path):
    model = tiny_run.load_model()
    commands.succeed(
        capsys, "weights", tiny_run.workdir, "--out", tmp_path / "only.weights.h5"
    )
    blank = keras.models.clone_model(model)
    blank.load_weights(tmp_path / "only.weights.h5")
    assert_same(blank, model)
    text = commands.succeed(capsys, "weights", tmp_path / "only.weights.h5")
    assert f"{model.count_params():,} numbers" in text
    commands.succeed(
        capsys, "weights", tiny_run.workdir, "--out", tmp_path / "whole.keras"
    )
    assert_same(keras.models.load_model(tmp_path / "whole.keras"), model)
    with zipfile.ZipFile(tmp_path / "whole.keras") as archive:
        card = json.loads(archive.read(runs.CARD))
    assert tuple(card["class_names"]) == tiny_run.class_names


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_goes_out_and_comes_back(capsys, tiny_run, tmp_path, ending):
    table = tmp_path / f"values.{ending}"
    out = commands.succeed(
        capsys, "weights", tiny_run.workdir, "--values", "--out", table
    )
    assert out == f"out: {table}\n"
    model = tiny_run.load_model()
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    model.save(tmp_path / "zeros.keras")
    flags = ("--load", table, "--out", tmp_path / "again.keras")
    commands.succeed(capsys, "weights", tmp_path / "zeros.keras", *flags)
    again = keras.models.load_model(tmp_path / "again.keras")
    assert_same(again, tiny_run.load_model())


def test_trees_are_text_or_json(capsys, tiny_run):
    text = commands.succeed(capsys, "weights", tiny_run.model_path, "--tree")
    entries = json.loads(
        commands.succeed(capsys, "weights", tiny_run.model_path, "--tree", "--json")
    )
    assert text.splitlines()[0].split()[:3] == ["path", "kind", "shape"]
    assert len(text.splitlines()) == len(entries["entries"]) + 4


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("absent.keras",), 1, ["no run and no file at absent.keras"]),
        (("absent.h5",), 1, ["absent.h5: no such file"]),
        (("absent.h5", "--tree"), 1, ["absent.h5: no such file"]),
        (("m.keras", "--values"), 2, ["--values needs --out"]),
        (("m.keras", "--tree", "--out", "x.csv"), 2, ["--tree goes with none"]),
        (("m.keras", "--out", "x.txt"), 2, [".weights.h5, .keras; got x.txt"]),
        (
            ("m.keras", "--values", "--out", "x.keras"),
            2,
            ["--values goes with a table"],
        ),
        (("m.h5", "--out", "x.keras"), 2, ["m.h5 has weights only"]),
        (("m.h5", "--load", "x.csv"), 2, ["--load needs a network"]),
    ],
)
def test_wrong_usage_is_one_line(capsys, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    found, error = commands.fail(capsys, "weights", *arguments)
    assert found == code
    for word in words:
        assert word in error
    assert not any(tmp_path.iterdir())
