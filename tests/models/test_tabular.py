"""The network for tables: standardization inside, class weights for rare classes."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from kerastpu import class_weights
from kerastpu.errors import UsageError
from kerastpu.models import tabular

NUM_FEATURES = 6
MEAN = (1e3, 0.0, -5.0, 2.0, 0.5, 7.0)
STD = (50.0, 0.01, 1.0, 3.0, 0.5, 2.0)


def make_table(num_rows, seed):
    """Returns rows of which 2 % are of class 1, shifted but overlapping."""
    random = np.random.default_rng(seed)
    labels = (np.arange(num_rows) % 50 == 0).astype("int32")
    rows = random.normal(size=(num_rows, NUM_FEATURES)) + 0.7 * labels[:, None]
    return (rows * STD + MEAN).astype("float32"), labels


def recalls(model, rows, labels):
    """Returns the share of each class that is found."""
    found = model.predict(rows, batch_size=1000, verbose=0).argmax(axis=1)
    return [float((found == labels)[labels == c].mean()) for c in (0, 1)]


def train(class_weight):
    keras.utils.set_random_seed(0)
    rows, labels = make_table(5_000, seed=1)
    mean, std = tabular.standardization(rows)
    model = tabular.build_tabular(
        num_features=NUM_FEATURES, units=(16,), mean=mean, std=std
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(rows, labels, 250, epochs=5, class_weight=class_weight, verbose=0)
    return recalls(model, *make_table(5_000, seed=2))


def test_class_weights_find_more_of_a_rare_class():
    _, labels = make_table(5_000, seed=1)
    weights = class_weights.balanced(labels, 2)
    plain, weighted = train(None), train(dict(enumerate(weights)))
    assert weighted[1] > plain[1] + 0.3
    assert np.mean(weighted) > np.mean(plain) + 0.1


@pytest.mark.slow
def test_class_weights_do_so_on_jax_without_tensorflow(tmp_path):
    blocked = tmp_path / "tensorflow.py"
    blocked.write_text("raise ModuleNotFoundError('blocked', name='tensorflow')\n")
    test = f"{__file__}::test_class_weights_find_more_of_a_rare_class"
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(tmp_path),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout


def test_numbers_of_any_size_are_standardized_inside():
    rows, _ = make_table(500, seed=0)
    mean, std = tabular.standardization(rows)
    np.testing.assert_allclose(mean, rows.astype(float).mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(std, rows.astype(float).std(axis=0), rtol=1e-6)
    model = tabular.build_tabular(num_features=NUM_FEATURES, mean=mean, std=std)
    inside = keras.Model(model.input, model.get_layer("preprocessing").output)
    scaled = keras.ops.convert_to_numpy(inside(rows))
    np.testing.assert_allclose(scaled, (rows - mean) / std, atol=1e-3)


def test_a_column_that_never_changes_becomes_zero():
    mean, std = tabular.standardization(np.array([[3, 1], [3, 5]]))
    assert (mean, std) == ((3.0, 3.0), (1.0, 2.0))


def test_layers_and_parameters_are_as_asked(tmp_path):
    model = tabular.build_tabular(
        num_features=10, num_classes=3, units=(8, 4), dropout=0.3, batch_norm=True
    )
    kernels, norms = 10 * 8 + 8 * 4, 4 * (8 + 4)
    assert model.count_params() == kernels + norms + 4 * 3 + 3
    assert model.get_layer("features").output.shape == (None, 4)
    rows = np.random.default_rng(0).normal(size=(5, 10)).astype("float32")
    expected = model.predict(rows, verbose=0)
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(rows, verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_features": 0}, "num_features must be .* at least 1; got 0"),
        ({"num_classes": 1}, "num_classes must be .* at least 2; got 1"),
        ({"units": (8, "4")}, "units must be a list of whole numbers"),
        ({"mean": [0, 0]}, "mean and std must have 2 numbers each.*; got std of shape"),
        ({"mean": [0], "std": [1, 1]}, r"got mean of shape"),
        ({"mean": [0, 0], "std": [1, 0]}, r"std above 0; column 1 has"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        tabular.build_tabular(**{"num_features": 2} | options)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (np.zeros(3), r"got float64 \(3,\)"),
        (np.zeros((0, 3)), r"got float64 \(0, 3\)"),
        (np.array([["a"]]), "table of numbers"),
        (np.array([[1.0, np.nan]]), "column 1 is not"),
    ],
)
def test_tables_with_gaps_or_words_are_refused(columns, message):
    with pytest.raises(UsageError, match=message):
        tabular.standardization(columns)


@pytest.mark.parametrize("value", [0.0, 0.1, 19.99, -1e9 / 3])
def test_a_column_that_never_changes_is_not_divided_by_rounding_noise(value):
    columns = np.stack([np.full(1000, value), np.arange(1000.0)], axis=1)
    _, std = tabular.standardization(columns)
    assert std[0] == 1.0
    assert std[1] > 1
