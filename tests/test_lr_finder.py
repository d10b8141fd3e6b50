"""The range test sees what rates do, suggests one that trains, and leaves no trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerastpu import lr_finder, schedule_text, schedules
from kerastpu.config import OptimizerConfig
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.lr_range import RangeTest
from kerastpu.schedules import plots
from tests.scripts import find_on_replicas
from tests.scripts.find_on_replicas import batches, build

SCRIPT = Path(__file__).parent / "scripts" / "find_on_replicas.py"


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def train(model, data, epochs=1):
    """Trains without shuffling; returns the loss of all of it afterwards."""
    inputs, labels = (np.concatenate(side) for side in zip(*data, strict=True))
    options = {"batch_size": len(data[0][1]), "shuffle": False, "verbose": 0}
    model.fit(inputs, labels, epochs=epochs, **options)
    return model.evaluate(inputs, labels, verbose=0)


def assert_same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("rate", "options"),
    [
        (0.05, {}),
        (schedules.Curve("cosine", 50, 0.05), {"steps_per_execution": 4}),
    ],
    ids=["number", "schedule, 4 steps"],
)
def test_everything_is_as_before_and_trains_as_before(rate, options):
    model, twin = (build(rate, **options) for _ in range(2))
    data = batches()
    for each in (model, twin):  # an optimizer and BatchNorms that have a past
        train(each, data[:8])
    before = state(model)
    result = lr_finder.find(model, data, low=1e-4, high=1.0, num_steps=30)
    assert_same(state(model), before)
    rates = np.geomspace(1e-4, 1.0, 30)[: len(result.rates)]
    np.testing.assert_allclose(result.rates, rates, rtol=1e-4)
    for each in (model, twin):
        train(each, data[:8])
    for ours, theirs in zip(state(model), state(twin), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_losses_are_those_of_training_at_these_rates():
    model, data = build(0.5, dropout=0.0), batches()
    result = lr_finder.find(model, data, low=1e-3, high=0.3, num_steps=20)
    losses, smoothed, mean = [], [], 0.0
    for step, (rate, (inputs, labels)) in enumerate(
        zip(np.geomspace(1e-3, 0.3, 20), [*data, *data], strict=False)
    ):
        model.optimizer.learning_rate = rate
        losses.append(model.train_on_batch(inputs, labels, return_dict=True)["loss"])
        mean = 0.9 * mean + 0.1 * losses[-1]
        smoothed.append(mean / (1 - 0.9 ** (step + 1)))
    np.testing.assert_allclose(result.raw_losses, losses, rtol=1e-4)
    np.testing.assert_allclose(result.losses, smoothed, rtol=1e-4)
    assert not result.is_diverged


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_the_suggestion_trains_better_than_much_less_or_much_more(name):
    data = batches()
    result = lr_finder.find(build(0.1, optimizer=name), data)
    assert result.is_diverged
    assert result.suggestion == min(result.steepest, result.tenth_of_minimum)
    ends = {}
    for factor in (0.01, 1.0, 300.0):
        model = build(result.suggestion * factor, optimizer=name)
        ends[factor] = train(model, data, epochs=3)
    assert ends[1.0] < 0.7 * ends[0.01]
    assert not ends[1.0] > 0.7 * ends[300.0]  # which may be NaN


def forms():
    data = batches()[:5]
    import tensorflow as tf

    arrays = [np.stack(side) for side in zip(*data, strict=True)]

    class Sequence(keras.utils.PyDataset):
        def __len__(self):
            return len(data)

        def __getitem__(self, index):
            return data[index]

    class Endless(Sequence):
        num_batches = None

        def __getitem__(self, index):
            return data[index % len(data)]

    return {
        "list": data,
        "generator": (batch for batch in data),
        "tf.data": tf.data.Dataset.from_tensor_slices(tuple(arrays)),
        "PyDataset": Sequence(),
        "endless PyDataset": Endless(),
        "weighted": [(x, y, np.ones(len(y), "float32")) for x, y in data],
    }


def test_batches_come_in_any_form_and_are_begun_again():
    seen = {
        name: lr_finder.find(build(0.1), data, low=1e-4, high=0.1, num_steps=12)
        for name, data in forms().items()
    }
    for name, result in seen.items():
        expected = seen["list"].raw_losses
        np.testing.assert_allclose(result.raw_losses, expected, rtol=1e-4, err_msg=name)
    assert len(expected) == 12


@pytest.mark.parametrize("seed", range(4))
def test_labels_without_meaning_give_no_suggestion(seed):
    random = np.random.default_rng(seed)
    noise = [
        (random.normal(size=(32, 8)).astype("float32"), random.integers(0, 3, 32))
        for _ in range(60)
    ]
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    model.layers[0].kernel.assign(random.normal(size=(8, 3)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    result = lr_finder.find(model, noise, low=1e-6, high=1e-3, num_steps=60)
    assert result.suggestion is result.steepest is result.tenth_of_minimum is None
    assert "did not fall" in result.rule
    json.dumps(result.to_dict(), allow_nan=False)


def test_suggestions_are_read_off_the_curve():
    rates = tuple(np.geomspace(1e-5, 1.0, 101))
    place = np.log10(rates)
    falling = 2 - 1 / (1 + np.exp(-4 * (place + 3)))  # steepest at 1e-3
    rising = np.where(place > -1, 5 * (place + 1), 0)  # lowest at 1e-1
    losses = tuple(falling + rising)
    result = RangeTest(rates, losses, losses, True)
    assert result.steepest == pytest.approx(1e-3, rel=0.15)
    assert result.tenth_of_minimum == pytest.approx(1e-2, rel=0.15)
    assert result.suggestion == result.steepest
    assert result.rule == "where the loss falls fastest"
    assert plots.range_test(result).axes[0].get_xscale() == "log"


def test_no_rate_below_the_first_is_suggested():
    losses = (*np.linspace(2.0, 1.0, 10), *np.linspace(1.0, 9.0, 10))
    result = RangeTest(tuple(np.geomspace(0.01, 1.0, 20)), losses, losses, True)
    assert result.suggestion == result.tenth_of_minimum == result.rates[0]
    assert "the first rate" in result.rule
    optimizer = OptimizerConfig()
    assert "at most 1.00e-02" in schedule_text.of_range_test(result, optimizer, 1)


def test_a_fall_within_the_noise_of_a_batch_is_none():
    noise = 0.2 * np.random.default_rng(0).normal(size=50)
    smooth = np.linspace(2.0, 1.9, 50)
    rates = tuple(np.geomspace(1e-5, 1.0, 50))
    assert RangeTest(rates, tuple(smooth), tuple(smooth), False).suggestion
    noisy = RangeTest(rates, tuple(smooth), tuple(smooth + noise), False)
    assert noisy.suggestion is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-10, 1e6), min_size=1, max_size=60))
def test_any_losses_give_a_suggestion_among_the_rates_or_none(losses):
    rates = tuple(np.geomspace(1e-6, 1.0, len(losses)))
    result = RangeTest(rates, tuple(losses), tuple(losses), False)
    if result.suggestion is None:
        assert result.steepest is None
    else:
        assert result.steepest in rates
        assert rates[0] <= result.suggestion <= rates[-1]
        assert result.steepest <= 10 * result.tenth_of_minimum * (1 + 1e-9)
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low": 0.0}, "low and high must be above 0"),
        ({"low": 1.0, "high": 0.1}, "got 1.0 and 0.1"),
        ({"low": "1e-3"}, "low and high must be above 0"),
        ({"num_steps": 5}, "num_steps must be at least 10, a whole number; got 5"),
        ({"num_steps": 12.5}, r"num_steps must be at least 10, .*; got 12\.5"),
        ({"smoothing": 1.0}, "smoothing must be 0..0.999"),
        ({"divergence": 1.0}, "divergence must be above 1"),
    ],
)
def test_arguments_are_checked(options, words):
    with pytest.raises(UsageError, match=words):
        lr_finder.find(build(0.1), batches(), **options)


def test_what_cannot_be_tested_is_refused():
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(4)])
    with pytest.raises(UsageError, match="must be compiled"):
        lr_finder.find(model, batches())
    with pytest.raises(KerastpuError, match="no batch"):
        lr_finder.find(build(0.1), [])
    model.compile("sgd", loss=lambda labels, outputs: outputs * np.nan)
    before = model.get_weights()
    with pytest.raises(KerastpuError, match="not finite at the first"):
        lr_finder.find(model, batches())
    assert_same(model.get_weights(), before)


INPUTS, LABELS = batches(1)[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((INPUTS, LABELS), r"the first is ndarray of shape \(32, 20\)"),
        (INPUTS, r"batches are ndarray of shape \(32, 20\)"),
        ([(INPUTS,)], "the first is tuple of 1"),
        (7, "an iterable of batches; got 7"),
    ],
)
def test_arrays_are_no_batches(data, words):
    with pytest.raises(UsageError, match=f"batches must be .*{words}"):
        lr_finder.find(build(0.1), data)


def test_on_jax_a_model_with_averaged_weights_is_as_before():
    code = "from tests.scripts import find_on_replicas as s; s.print_averaged()"
    found = run_script("jax", "-c", code)
    assert found["num_losses"] == 20
    assert found["changed"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_replicas_see_what_one_does(backend):
    found = run_script(backend, str(SCRIPT))
    assert found["num_replicas"] == 2
    assert found["changed"] == 0
    here = find_on_replicas.find(build(0.1, dropout=0.0))
    np.testing.assert_allclose(found["losses"], here.raw_losses, rtol=1e-3)


def run_script(backend, *arguments):
    """Returns the JSON that a Python process prints last."""
    paths = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ
        | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
        | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
        | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
