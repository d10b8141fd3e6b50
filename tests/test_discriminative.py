"""Each variable moves at its own rate; all else about the optimizer stays as it is."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from kerastpu import discriminative, models
from kerastpu.errors import UsageError

SCRIPT = Path(__file__).parent / "multi_device" / "scaled_rates.py"
DECAY = 0.5
FACTORS = {"conv0": DECAY**3, "conv1": DECAY**2, "conv2": DECAY, "probabilities": 1}
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(-1, 1, (8, 16, 16, 3)).astype("float32")
LABELS = np.arange(8) % 3


def build():
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((16, 16, 3))
    for index in range(3):
        x = keras.layers.Conv2D(4, 3, 2, activation="tanh", name=f"conv{index}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dense(3, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, x)


def scaled(optimizer, model):
    multipliers = discriminative.stage_multipliers(model, DECAY)
    return discriminative.scale(optimizer, multipliers)


def compiled(optimizer, *, is_scaled, jit_compile=False):
    model = build()
    model.compile(
        scaled(optimizer, model) if is_scaled else optimizer,
        "sparse_categorical_crossentropy",
        jit_compile=jit_compile,
    )
    return model


def moves(model, num_batches=1):
    """Returns by how much each weight moved, by path."""
    before = [weight.copy() for weight in model.get_weights()]
    for _ in range(num_batches):
        model.train_on_batch(IMAGES, LABELS)
    after = model.get_weights()
    return {w.path: b - a for w, a, b in zip(model.weights, before, after, strict=True)}


def assert_factors(ours, plain):
    for path, move in plain.items():
        assert np.abs(move).max() > 0
        expected = FACTORS[path.partition("/")[0]] * move
        # The weights that the moves are taken from hold 24 bits.
        np.testing.assert_allclose(ours[path], expected, rtol=1e-4, atol=1e-7)


SGD, ADAM = keras.optimizers.SGD, keras.optimizers.Adam


@pytest.mark.parametrize(
    ("make", "jit_compile"),
    [
        (lambda: SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1), False),
        (lambda: ADAM(0.1), True),
    ],
)
def test_a_step_moves_weights_by_factor_to_the_depth(make, jit_compile):
    plain, ours = (
        moves(compiled(make(), is_scaled=is_scaled, jit_compile=jit_compile))
        for is_scaled in (False, True)
    )
    assert_factors(ours, plain)


def updates(optimizer, *, is_scaled, num_batches=1):
    """Returns by how much weights move by gradients of random numbers."""
    model = build()
    if is_scaled:
        scaled(optimizer, model)
    variables = model.trainable_variables
    random = np.random.default_rng(1)
    optimizer.build(variables)
    before = [weight.copy() for weight in model.get_weights()]
    for _ in range(num_batches):
        gradients = [random.normal(size=v.shape).astype("float32") for v in variables]
        tensors = [keras.ops.convert_to_tensor(g) for g in gradients]
        optimizer.apply(tensors, variables)
    after = model.get_weights()
    return {v.path: b - a for v, a, b in zip(variables, before, after, strict=True)}


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(0.1),
        lambda: keras.optimizers.AdamW(0.1, weight_decay=0.1),
        lambda: keras.optimizers.RMSprop(0.1),
        lambda: keras.optimizers.Adadelta(1.0),
        lambda: keras.optimizers.Adagrad(0.1),
        lambda: keras.optimizers.Lion(0.1, weight_decay=0.1),
        lambda: keras.optimizers.Lamb(0.1),
        lambda: SGD(0.1, global_clipnorm=0.1),
        lambda: SGD(0.1, use_ema=True, ema_momentum=0.5),
        lambda: keras.optimizers.LossScaleOptimizer(
            SGD(0.1, weight_decay=0.1), initial_scale=2.0
        ),
    ],
)
def test_it_holds_for_any_optimizer(make):
    assert_factors(updates(make(), is_scaled=True), updates(make(), is_scaled=False))


def test_it_holds_for_accumulated_gradients():
    def moved(is_scaled, num_batches):
        optimizer = SGD(0.1, weight_decay=0.1, gradient_accumulation_steps=2)
        return updates(optimizer, is_scaled=is_scaled, num_batches=num_batches)

    assert not any(move.any() for move in moved(True, 1).values())
    assert_factors(moved(True, 2), moved(False, 2))


def test_the_first_step_of_adam_is_rate_times_factor_times_sign():
    sizes = updates(ADAM(0.01, epsilon=1e-12), is_scaled=True)
    for path, move in sizes.items():
        rate = 0.01 * FACTORS[path.partition("/")[0]]
        np.testing.assert_allclose(np.abs(move), rate, rtol=1e-3)


def test_a_factor_of_one_changes_no_bit():
    plain = updates(ADAM(0.01), is_scaled=False, num_batches=3)
    optimizer = discriminative.scale(ADAM(0.01), [1.0] * len(plain))
    for path, move in updates(optimizer, is_scaled=False, num_batches=3).items():
        np.testing.assert_array_equal(move, plain[path])


def test_what_is_excluded_from_weight_decay_stays_excluded():
    model, optimizer = build(), SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    scaled(optimizer, model)
    variables = model.trainable_variables
    optimizer.build(variables)
    for variable in variables:
        variable.assign(np.ones(variable.shape))
    optimizer.apply([np.zeros(variable.shape, "float32") for variable in variables])
    for variable in variables:
        factor = FACTORS[variable.path.partition("/")[0]]
        kept = 1.0 if variable.name == "bias" else 1 - 0.1 * 0.5 * factor
        np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), kept, 1e-6)


def test_schedule_iterations_and_rate_are_those_of_the_optimizer():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    model = compiled(SGD(schedule), is_scaled=True)
    moves(model, 3)
    assert int(model.optimizer.iterations) == 3
    assert math.isclose(float(model.optimizer.learning_rate), 0.1 / 8, rel_tol=1e-6)
    assert isinstance(model.optimizer, SGD)


def test_a_plain_rate_stays_a_variable_that_can_be_set():
    optimizer = scaled(SGD(0.1), build())
    assert isinstance(optimizer.learning_rate, keras.Variable)
    optimizer.learning_rate = 0.05
    assert math.isclose(float(optimizer.learning_rate), 0.05, rel_tol=1e-6)


def test_training_goes_on_from_a_saved_model(tmp_path):
    without_break = compiled(ADAM(0.01), is_scaled=True)
    moves(without_break, 4)
    first = compiled(ADAM(0.01), is_scaled=True)
    moves(first, 2)
    first.save(tmp_path / "model.keras")
    second = keras.models.load_model(tmp_path / "model.keras")
    assert second.optimizer.get_config() == first.optimizer.get_config()
    moves(second, 2)
    for ours, theirs in zip(
        second.get_weights(), without_break.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_frozen_weights_have_no_rate():
    model = build()
    models.freeze(model, 1)
    factors = discriminative.stage_multipliers(model, DECAY)
    assert factors == [DECAY, DECAY, 1.0, 1.0]  # kernel and bias each
    optimizer = discriminative.scale(SGD(0.1), factors)
    models.freeze(model, None)
    with pytest.raises(UsageError, match="4 multipliers for 8 variables; freeze the"):
        optimizer.build(model.trainable_variables)


@pytest.mark.parametrize("decay", [0.0, -0.5, 1.5, math.nan])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(UsageError, match="stage_decay must be above 0, at most 1; got"):
        discriminative.stage_multipliers(build(), decay)


def test_a_factor_that_is_none_and_a_late_call_are_refused():
    with pytest.raises(UsageError, match="multipliers must be finite and >= 0; got na"):
        discriminative.scale(SGD(0.1), [1.0, math.nan])
    model = compiled(SGD(0.1), is_scaled=False)
    moves(model)
    with pytest.raises(UsageError, match="before the optimizer's first step"):
        scaled(model.optimizer, model)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_replicas_train_as_one_would(backend):
    devices = "--xla_force_host_platform_device_count=2"
    variables = {"KERAS_BACKEND": backend, "XLA_FLAGS": devices, "JAX_PLATFORMS": "cpu"}
    paths = os.pathsep.join(filter(None, [".", os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=os.environ | variables | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["num_replicas"] == 2
    assert ("accumulate" in found["optimizers"]) == (backend == "jax")
    for name, errors in found["optimizers"].items():
        assert errors["replicas"] < 2e-6, name
        assert errors["factors"] < 1e-4, name
