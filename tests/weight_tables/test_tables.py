"""Tables of weights: figures of the real arrays; what is read is what was written."""

import csv

import keras
import numpy as np
import pyarrow.parquet
import pytest
from keras import layers

from kerastpu.errors import KerastpuError, MissingExtraError, UsageError
from kerastpu.weight_tables import table_files, variables

# Floats of every kind: the greatest and the least, subnormal ones, zeros of both signs.
EXTREMES = np.array(
    [3.4028235e38, 1.1754944e-38, 1e-45, -0.0, 0.0, 0.1, -1 / 3, np.inf, 16777217.0],
    np.float32,
)


def build(seed=0):
    image = keras.Input((4, 4, 2))
    inner = keras.Sequential(
        [keras.Input((2, 2, 3)), layers.Flatten(), layers.Dense(2, name="dense, 1")],
        name="inner",
    )
    x = layers.Conv2D(3, 3, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Bidirectional(layers.LSTM(2, name="lstm"), name="both")(
        layers.Reshape((1, 2))(inner(x))
    )
    model = keras.Model(image, x)
    random = np.random.default_rng(seed)
    arrays = [
        random.normal(size=w.shape).astype(np.float32) * 10.0 ** random.integers(-9, 9)
        for w in model.weights
    ]
    arrays[0].ravel()[: EXTREMES.size] = EXTREMES
    model.set_weights(arrays)
    return model


@pytest.fixture(scope="module")
def model():
    return build()


def bits(model):
    return [weight.tobytes() for weight in model.get_weights()]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_values_gives_the_weights_back_bit_for_bit(model, ending, tmp_path):
    path = tmp_path / "new" / f"values.{ending}"
    table_files.write_values(variables.of_model(model), path)
    other = build(seed=1)
    assert bits(other) != bits(model)
    table_files.load_values(other, path)
    assert bits(other) == bits(model)
    assert list(path.parent.iterdir()) == [path]


def test_the_table_of_values_has_a_row_for_each_number(model, tmp_path):
    table_files.write_values(variables.of_model(model), tmp_path / "values.csv")
    with (tmp_path / "values.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["layer", "variable", "index", "value"]
    assert len(rows) == model.count_params()
    kernel = model.get_layer("inner").get_layer("dense, 1").get_weights()[0]
    (found,) = (
        np.float32(row["value"])
        for row in rows
        if (row["layer"], row["variable"], row["index"])
        == ("inner/dense, 1", "kernel", "5")
    )
    assert found == kernel[2, 1]  # the last axis changes first
    names = {(row["layer"], row["variable"]) for row in rows}
    assert len(names) == len(model.weights)
    assert ("both", "forward_lstm/lstm_cell/recurrent_kernel") in names
    assert ("norm", "moving_variance") in names


def test_statistics_are_those_of_the_arrays(model, tmp_path):
    found = variables.describe(variables.of_model(model))
    for row, array in zip(found[1:], model.get_weights()[1:], strict=True):
        exact = array.astype(np.float64)
        assert (row.shape, row.dtype, row.number) == (
            array.shape,
            "float32",
            array.size,
        )
        assert row.mean == pytest.approx(exact.mean())
        assert row.std == pytest.approx(exact.std())
        assert (row.min, row.max) == (exact.min(), exact.max())
        assert row.norm == pytest.approx(np.sqrt((exact**2).sum()))
    table_files.write_statistics(found, tmp_path / "table.csv")
    table_files.write_statistics(found, tmp_path / "table.parquet")
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["shape"] == "3x3x2x3"
    assert float(rows[1]["mean"]) == found[1].mean
    table = pyarrow.parquet.read_table(tmp_path / "table.parquet")
    assert table.column("shape").to_pylist() == [list(row.shape) for row in found]
    assert table.column("norm").to_pylist()[1:] == [row.norm for row in found[1:]]


@pytest.mark.parametrize("name", ["all.weights.h5", "whole.h5"])
def test_a_file_of_weights_has_the_same_numbers(model, name, tmp_path):
    flat = keras.Sequential(
        [keras.Input((5,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")]
    )
    save = flat.save_weights if name.endswith(".weights.h5") else flat.save
    save(tmp_path / name)
    with variables.open_file(tmp_path / name) as stored:
        found = {(v.layer, v.name): v.read() for v in stored}
    assert {layer for layer, _ in found} == {"a", "b"}
    for array, own in zip(found.values(), flat.get_weights(), strict=True):
        assert array.dtype == own.dtype
        np.testing.assert_array_equal(array, own)


def lines_of(path, model):
    table_files.write_values(variables.of_model(model), path)
    return path.read_text().splitlines()


SPOILED = {
    "another table": (lambda lines: ["a,b", *lines[1:]], "first line must be layer,"),
    "no number": (lambda lines: [*lines[:-1], "both,x,0,one"], "is no row of such"),
    "short row": (lambda lines: [*lines, "conv,kernel"], r"line \d+ is no row of such"),
    "a row less": (lambda lines: lines[:-1], "values; the model has"),
    "a row twice": (
        lambda lines: [*lines, lines[1]],
        "conv/kernel must be 0..54, each",
    ),
    "a hole": (lambda lines: [lines[0], *lines[2:]], "conv/kernel must be 0..52, each"),
    "another layer": (
        lambda lines: [*lines, "stranger,kernel,0,1.5"],
        "holds, which the model does not, stranger/kernel",
    ),
    "a variable less": (
        lambda lines: [line for line in lines if not line.startswith("conv,bias")],
        "lacks conv/bias",
    ),
    "empty": (lambda lines: [], "first line must be"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_table_that_does_not_fit_is_one_line_and_changes_nothing(
    name, model, tmp_path
):
    spoil, message = SPOILED[name]
    path = tmp_path / "values.csv"
    path.write_text("\n".join(spoil(lines_of(path, model))))
    other = build(seed=1)
    before = bits(other)
    with pytest.raises(KerastpuError, match=message) as caught:
        table_files.load_values(other, path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    assert bits(other) == before


def test_rows_in_another_order_are_the_same_table(model, tmp_path):
    path = tmp_path / "values.csv"
    header, *rows = lines_of(path, model)
    path.write_text("\n".join([header, *sorted(rows)]))
    other = build(seed=1)
    table_files.load_values(other, path)
    assert bits(other) == bits(model)


def test_other_files_are_refused(model, tmp_path):
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 but not really")
    with pytest.raises(KerastpuError, match=r"bad\.parquet: no such table, or damaged"):
        table_files.read_values(bad)
    pyarrow.parquet.write_table(pyarrow.table({"layer": ["a"]}), bad)
    with pytest.raises(KerastpuError, match="columns must be layer, variable, index"):
        table_files.read_values(bad)
    holes = {"layer": ["a"], "variable": ["b"], "index": [0], "value": [None]}
    pyarrow.parquet.write_table(pyarrow.table(holes), bad)
    with pytest.raises(KerastpuError, match="empty cells"):
        table_files.read_values(bad)
    with pytest.raises(KerastpuError, match=r"absent\.csv: no such table"):
        table_files.read_values(tmp_path / "absent.csv")
    with pytest.raises(UsageError, match=r"\.csv or \.parquet; got .*table\.txt"):
        table_files.write_values([], tmp_path / "table.txt")


def test_parquet_without_pyarrow_is_the_line_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setattr("kerastpu.optional.is_installed", lambda name: False)
    with pytest.raises(MissingExtraError, match=r'pip install "kerastpu\[parquet\]"'):
        table_files.write_values([], tmp_path / "values.parquet")
