"""Optimizers make the steps of their papers, and spare what weight decay spares."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from kerastpu import optimizers
from kerastpu.config import OptimizerConfig
from kerastpu.config.optimizer_checks import TAKEN
from kerastpu.errors import UsageError
from kerastpu.models.layers import HEAD

RATE = 0.05
NUM_STEPS = 4
# Numbers unlike any default, so that a field that does not arrive is seen.
NUMBERS = {
    "momentum": 0.7,
    "nesterov": True,
    "beta_1": 0.8,
    "beta_2": 0.95,
    "rho": 0.6,
    "epsilon": 1e-3,
}


def config_of(name, **changes):
    own = {field: NUMBERS[field] for field in TAKEN[name] if field in NUMBERS}
    return OptimizerConfig(name=name, **(own | changes))


def gradients():
    """A few gradients of a 3 x 2 matrix."""
    return np.random.default_rng(0).normal(size=(NUM_STEPS, 3, 2))


# Each returns the updates, to be subtracted, that the paper makes of the gradients.


def adam(grads, c):
    mean = square = 0.0
    for step, g in enumerate(grads, start=1):
        mean = c.beta_1 * mean + (1 - c.beta_1) * g
        square = c.beta_2 * square + (1 - c.beta_2) * g**2
        rate = RATE * math.sqrt(1 - c.beta_2**step) / (1 - c.beta_1**step)
        yield rate * mean / (np.sqrt(square) + c.epsilon)


def sgd(grads, c):
    velocity = 0.0
    for g in grads:
        velocity = c.momentum * velocity + RATE * g
        yield c.momentum * velocity + RATE * g if c.nesterov else velocity


def rmsprop(grads, c):
    square = velocity = 0.0
    for g in grads:
        square = c.rho * square + (1 - c.rho) * g**2
        velocity = c.momentum * velocity + RATE * g / np.sqrt(square + c.epsilon)
        yield velocity


def adadelta(grads, c):
    square = moved = 0.0
    for g in grads:
        square = c.rho * square + (1 - c.rho) * g**2
        delta = g * np.sqrt(moved + c.epsilon) / np.sqrt(square + c.epsilon)
        moved = c.rho * moved + (1 - c.rho) * delta**2
        yield RATE * delta


def adagrad(grads, c):
    total = 0.1  # where Keras starts
    for g in grads:
        total = total + g**2
        yield RATE * g / np.sqrt(total + c.epsilon)


def lion(grads, c):
    mean = 0.0
    for g in grads:
        yield RATE * np.sign(c.beta_1 * mean + (1 - c.beta_1) * g)
        mean = c.beta_2 * mean + (1 - c.beta_2) * g


FORMULAS = {
    "adam": adam,
    "adamw": adam,
    "sgd": sgd,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adagrad": adagrad,
    "lion": lion,
}


def walk(config, grads, start):
    """Returns the weights after the optimizer's steps along `grads`."""
    variable = keras.Variable(start, dtype="float32")
    optimizer = optimizers.build_optimizer(config, RATE, [variable])
    for gradient in grads:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
    return keras.ops.convert_to_numpy(variable)


@pytest.mark.parametrize("name", FORMULAS)
def test_steps_are_those_of_the_paper(name):
    config, start = config_of(name), np.ones((3, 2))
    expected = start - sum(FORMULAS[name](gradients(), config))
    np.testing.assert_allclose(walk(config, gradients(), start), expected, rtol=2e-5)


def test_sgd_without_nesterov_takes_plain_momentum():
    config = config_of("sgd", nesterov=False)
    expected = 1 - sum(sgd(gradients(), config))
    walked = walk(config, gradients(), np.ones((3, 2)))
    np.testing.assert_allclose(walked, expected, rtol=2e-5)


def test_adadelta_can_be_that_of_pytorch():
    """PyTorch's rho 0.9 and epsilon 1e-6, with the book's learning rate 0.1."""
    config = OptimizerConfig(name="adadelta", learning_rate=0.1, rho=0.9, epsilon=1e-6)
    built = optimizers.build_optimizer(config, 0.1).get_config()
    assert (built["rho"], built["epsilon"]) == (0.9, 1e-6)
    left = optimizers.build_optimizer(OptimizerConfig(name="adadelta"), 0.1)
    assert left.rho == keras.optimizers.Adadelta().rho


def test_lamb_steps_are_as_long_as_the_weights_times_the_rate():
    config, start = config_of("lamb"), np.full((3, 2), 2.0)
    moved = walk(config, gradients()[:1], start) - start
    assert np.linalg.norm(moved) == pytest.approx(RATE * np.linalg.norm(start), 1e-5)


def test_muon_makes_updates_of_matrices_orthogonal_and_leaves_the_rest_to_adam():
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(8, name="hidden"),
            keras.layers.Dense(8, name=HEAD),
        ]
    )
    before = model.get_weights()
    config = config_of("muon")
    optimizer = optimizers.build_optimizer(config, RATE, model.trainable_variables)
    grads = [
        np.random.default_rng(i).normal(size=w.shape) for i, w in enumerate(before)
    ]
    tensors = [keras.ops.convert_to_tensor(g, "float32") for g in grads]
    optimizer.apply(tensors, model.trainable_variables)
    moves = [b - a for b, a in zip(before, model.get_weights(), strict=True)]
    sizes = np.linalg.svd(moves[0] / (RATE * 0.2 * math.sqrt(8)), compute_uv=False)
    # Newton-Schulz brings the singular values near 1, not to it.
    assert sizes.min() > 0.5 and sizes.max() < 1.4
    for move, gradient in zip(moves[1:], grads[1:], strict=True):
        step = next(adam([gradient], config))
        np.testing.assert_allclose(move, step, rtol=1e-3, atol=1e-6)


def test_muon_without_a_matrix_says_that_it_is_adam(caplog):
    config = config_of("muon")
    variables = [keras.Variable(np.zeros(shape)) for shape in ((8,), (3, 3, 2, 2))]
    optimizers.build_optimizer(config, RATE, variables)
    assert "all of it trains by adam" in caplog.text
    caplog.clear()
    matrix = keras.Variable(np.zeros((4, 4)), name="hidden")
    optimizers.build_optimizer(config, RATE, [*variables, matrix])
    assert "no layer is called probabilities" in caplog.text
    caplog.clear()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.add(keras.layers.Dense(3, name="probabilities"))
    optimizers.build_optimizer(config, RATE, model.trainable_variables)
    assert not caplog.text


def test_muon_of_an_old_keras_is_refused(monkeypatch):
    monkeypatch.delattr(keras.optimizers, "Muon")
    with pytest.raises(UsageError, match=r"optimizer\.name muon needs Keras 3\.13"):
        optimizers.build_optimizer(OptimizerConfig(name="muon"), RATE)


@pytest.mark.parametrize("name", [n for n in TAKEN if "weight_decay" in TAKEN[n]])
def test_weight_decay_shrinks_kernels_alone(name):
    model = keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            keras.layers.SeparableConv2D(3, 2, bias_initializer="ones"),
            keras.layers.BatchNormalization(beta_initializer="ones"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, bias_initializer="ones", name=HEAD),
        ]
    )
    config = config_of(name, weight_decay=0.5)
    optimizer = optimizers.build_optimizer(config, RATE, model.trainable_variables)
    before = list(map(keras.ops.convert_to_numpy, model.trainable_variables))
    zeros = [keras.ops.zeros(variable.shape) for variable in model.trainable_variables]
    optimizer.apply(zeros, model.trainable_variables)
    for variable, start in zip(model.trainable_variables, before, strict=True):
        factor = 1 - RATE * 0.5 if "kernel" in variable.path else 1.0
        now = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(now, factor * start, rtol=1e-6)


@pytest.mark.parametrize("name", TAKEN)
def test_no_weight_decay_is_the_default(name):
    start = np.ones((3, 2))
    still = walk(OptimizerConfig(name=name), np.zeros((2, 3, 2)), start)
    np.testing.assert_array_equal(still, start)


def test_clipping_bounds_the_norm_of_all_gradients_or_each_element():
    grads = [10 * gradient for gradient in gradients()[:1]]
    plain = config_of("sgd", momentum=0.0)

    def step(**changes):
        config = dataclasses.replace(plain, **changes)
        return (np.ones((3, 2)) - walk(config, grads, np.ones((3, 2)))) / RATE

    np.testing.assert_allclose(step(), grads[0], rtol=1e-4)
    by_norm = step(clip_norm=2)
    assert np.linalg.norm(by_norm) == pytest.approx(2.0, rel=1e-4)
    np.testing.assert_allclose(by_norm / by_norm[0, 0], grads[0] / grads[0][0, 0], 1e-3)
    np.testing.assert_allclose(
        step(clip_value=0.5), np.clip(grads[0], -0.5, 0.5), rtol=1e-4
    )


def test_numbers_may_be_whole():
    config = OptimizerConfig(name="sgd", momentum=0, clip_norm=1)
    assert optimizers.build_optimizer(config, 1.0).momentum == 0
