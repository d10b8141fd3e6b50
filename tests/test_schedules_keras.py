"""Keras trains at the rate of the pure function: in the step, by callback, reloaded."""

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

from kerastpu import schedules
from kerastpu.errors import UsageError
from tests.scripts import rates_in_keras
from tests.test_schedules import CODELAB

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="module")
def on_tensorflow():
    return rates_in_keras.measure()


@pytest.fixture(scope="module")
def on_jax():
    paths = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "rates_in_keras.py")],
        env=os.environ
        | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
        | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(params=["tensorflow", "jax"])
def found(request):
    found = request.getfixturevalue(f"on_{request.param}")
    assert found["backend"] == request.param
    return found


@pytest.mark.parametrize("way", ["schedule", "by step", "by epoch"])
def test_a_fit_has_the_codelabs_rates_and_moves_by_them(found, way):
    ramp = found["ramp"][way]
    rates = np.reshape(ramp["rates"], (12, -1))
    assert (rates == rates[:, :1]).all()
    np.testing.assert_allclose(rates[:, 0], CODELAB, rtol=4e-3)
    exact = [schedules.ramp_sustain_decay(epoch, peak=4e-4) for epoch in range(12)]
    np.testing.assert_allclose(rates[:, 0], exact, rtol=1e-6)
    # The loss falls by 1 for each unit of the weight, so it moves by the rate.
    num_steps = rates_in_keras.STEPS_PER_EPOCH
    np.testing.assert_allclose(ramp["moves"], num_steps * np.array(exact), atol=5e-7)


@pytest.mark.parametrize("way", ["by step", "by epoch"])
def test_callbacks_log_the_rate_of_each_epoch(found, way):
    np.testing.assert_allclose(found["ramp"][way]["log"], CODELAB, rtol=4e-3)


def test_the_compiled_step_has_the_rate_of_the_function_to_the_last_bit(found):
    assert set(found["shapes"].values()) == {0.0}
    assert set(found["shapes"]) == set(schedules.SHAPES) - {"plateau"}


def test_plateau_rises_then_drops_where_keras_own_does(found):
    rates = np.array(found["plateau"]["rates"])
    np.testing.assert_allclose(rates[:6], 0.1 / 7 * np.arange(1, 7), rtol=1e-6)
    np.testing.assert_array_equal(rates[6:], found["plateau"]["keras"])
    assert len(set(rates[6:])) == 4
    np.testing.assert_allclose(found["plateau"]["told"], rates, rtol=1e-6)


@pytest.mark.parametrize("way", ["schedule", "callback"])
def test_batches_that_make_one_step_have_one_rate(found, way):
    rates = np.reshape(found["accumulation"][way], (-1, 2))
    expected = np.repeat(0.1 * 0.5 ** np.arange(len(rates)), 2).reshape(-1, 2)
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=25),
    st.sampled_from([0.1, 0.5, 0.9]),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.02]),
)
def test_plateau_is_keras_own_on_any_history(values, decay, patience, cooldown, floor):
    history = [value / 10 for value in values]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    own = keras.callbacks.ReduceLROnPlateau(
        factor=decay, patience=patience, cooldown=cooldown, min_lr=floor
    )
    own.set_model(model)
    own.on_train_begin()
    for epoch, value in enumerate(history):
        own.on_epoch_end(epoch, {"val_loss": value})
        ours = schedules.plateau(
            history[: epoch + 1],
            peak=0.1,
            decay=decay,
            patience=patience,
            cooldown=cooldown,
            floor=floor,
        )
        seen = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        assert ours == pytest.approx(seen, rel=1e-5)


SAVED = {
    "cosine": schedules.Curve("cosine", 40, 0.1, warmup_steps=4),
    "multistep": schedules.Curve(
        "multistep", 40, 0.1, options={"decay": 0.5, "boundaries": [10, 30]}
    ),
    "piecewise": schedules.Curve(
        "piecewise", 40, 0.1, options={"points": [[0, 0.1], [9, 0.02]]}
    ),
}
LOAD = """
import sys, json, keras
from kerastpu.schedules import Schedule
found = {}
for path in sys.argv[1:]:
    optimizer = keras.saving.load_model(path).optimizer
    config = optimizer.get_config()["learning_rate"]["config"]
    found[config["name"]] = [float(optimizer.learning_rate), config]
print(json.dumps(found))
"""


def test_saved_optimizers_keep_their_schedules(tmp_path):
    paths = [str(tmp_path / f"{name}.keras") for name in SAVED]
    for path, curve in zip(paths, SAVED.values(), strict=True):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(schedules.as_keras(curve)), "mse")
        for _ in range(11):
            model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
        model.save(path)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *paths],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name, curve in SAVED.items():
        rate, config = found[name]
        assert rate == pytest.approx(curve(11), rel=1e-6)
        assert len(json.dumps(config)) < 250  # numbers, no table
        again = schedules.Schedule.from_config(config)
        assert again.curve == curve
        assert float(again(30)) == pytest.approx(curve(30), rel=1e-6)


def test_a_function_of_the_users_is_saved_as_its_table():
    table = schedules.tabulate(lambda step: step / 7, 5)
    again = schedules.TableSchedule.from_config(table.get_config())
    assert [float(again(step)) for step in (0, 4, 99)] == pytest.approx(
        [0, 4 / 7, 4 / 7]
    )
    with pytest.raises(UsageError, match="tabulate"):
        schedules.Schedule("custom", 5, 0.1, function="os:getcwd")


def test_a_run_that_is_taken_up_goes_on_along_its_rates():
    seen = []
    for epochs in ((0, 2), (2, 4)):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        optimizer = keras.optimizers.SGD(0.5)
        optimizer.iterations.assign(epochs[0] * 3)
        model.compile(optimizer, "mse")
        recorder = rates_in_keras.Recorder()
        model.fit(
            *(np.ones((6, 1)), np.ones((6, 1))),
            batch_size=2,
            initial_epoch=epochs[0],
            epochs=epochs[1],
            verbose=0,
            callbacks=[schedules.callback(lambda step: 0.01 * (step + 1)), recorder],
        )
        seen += recorder.rates
    assert seen == pytest.approx([0.01 * (step + 1) for step in range(12)])


def test_a_plateau_goes_on_from_what_it_remembers():
    losses = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.4]
    options = {"decay": 0.5, "patience": 2}
    curve = schedules.Curve("plateau", 24, 0.1, warmup_steps=2, options=options)
    whole = schedules.PlateauCallback(curve)
    rates, _, _ = rates_in_keras.fit(
        0.1, [rates_in_keras.Losses(losses), whole], epochs=8
    )
    first, second = schedules.PlateauCallback(curve), schedules.PlateauCallback(curve)
    before, _, _ = rates_in_keras.fit(
        0.1, [rates_in_keras.Losses(losses), first], epochs=4
    )
    second.recall(json.loads(json.dumps(first.remember())))
    after, _, _ = rates_in_keras.fit(
        *(0.1, [rates_in_keras.Losses(losses[4:]), second]), epochs=4, iterations=12
    )
    assert before + after == rates
    assert len(set(rates)) == 4
    assert [second(step) for step in range(24)] == [whole(step) for step in range(24)]


def test_several_steps_in_one_execution_are_counted_right():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=2)
    asked = []

    def rate(step):
        asked.append(step)
        return 0.01 + step

    callback = schedules.callback(rate)
    ones = np.ones((10, 1))
    model.fit(ones, ones, batch_size=2, epochs=2, verbose=0, callbacks=[callback])
    assert sorted(set(asked)) == [0, 2, 4, 5, 7, 9]


def test_verbose_tells_the_rate_of_each_epoch(capsys):
    curve = rates_in_keras.build_codelab_curve()
    told = schedules.callback(curve, verbose=True)
    rates_in_keras.fit(0.5, [told], epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["epoch 1: learning rate 1e-05", "epoch 2: learning rate 8.8e-05"]


def test_what_cannot_be_set_is_refused():
    with pytest.raises(UsageError, match="not with a schedule"):
        rates_in_keras.fit(
            schedules.Schedule("cosine", 10, 0.1),
            [schedules.callback(lambda step: 0.1)],
        )
    with pytest.raises(UsageError, match="by must be step or epoch; got 'batch'"):
        schedules.callback(lambda step: 0.1, by="batch")
    plateau = schedules.Curve("plateau", 9, 0.1, options={"decay": 0.5, "patience": 1})
    with pytest.raises(UsageError, match=r"monitor must be one of .*got 'val_loss'"):
        rates_in_keras.fit(0.1, [schedules.PlateauCallback(plateau)])
    with pytest.raises(UsageError, match="must be a plateau; got 'cosine'"):
        schedules.PlateauCallback(schedules.Curve("cosine", 9, 0.1))
