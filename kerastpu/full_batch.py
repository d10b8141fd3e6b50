"""The loss over all examples at once, and its gradient, compiled for the backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

# Of labels and outputs: the loss of each example.
LossFunction = Callable[[Any, Any], Any]
# At weights of the shapes of the model's: the loss of each example, the sum of the
# penalties, and the gradient of mean and sum by each weight.
Objective = Callable[[list[np.ndarray]], tuple[Any, Any, list[Any]]]


def compile_objective(
    model: keras.Model, loss: LossFunction, x: Any, y: Any
) -> Objective:
    """Returns the loss as a function of the weights that train.

    The model runs in inference mode, so that the same weights always cost the same.

    Args:
        model: built; on TensorFlow a call sets its weights.
        loss: of labels and outputs.
        x: all examples, (N, ...).
        y: their labels, (N, ...).
    """
    if keras.backend.backend() == "jax":
        return _compile_jax(model, loss, x, y)
    return _compile_tensorflow(model, loss, x, y)


def _costs(loss: LossFunction, labels: Any, outputs: Any) -> Any:
    """Returns the loss of each example."""
    if len(labels.shape) == len(outputs.shape) - 1 and outputs.shape[-1] == 1:
        labels = keras.ops.expand_dims(labels, -1)  # else they would be broadcast
    return loss(labels, outputs)


def _compile_tensorflow(
    model: keras.Model, loss: LossFunction, x: Any, y: Any
) -> Objective:
    import tensorflow as tf

    weights = model.trainable_weights
    inputs, labels = tf.convert_to_tensor(x), tf.convert_to_tensor(y)

    @tf.function(jit_compile=False)
    def step() -> tuple[Any, Any, list[Any]]:
        with tf.GradientTape() as tape:
            costs = _costs(loss, labels, model(inputs, training=False))
            penalty = tf.add_n([tf.constant(0.0), *model.losses])
            value = tf.reduce_mean(costs) + penalty
        gradients = tape.gradient(
            value,
            [weight.value for weight in weights],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return costs, penalty, gradients

    def objective(values: list[np.ndarray]) -> tuple[Any, Any, list[Any]]:
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)
        return step()

    return objective


def _compile_jax(model: keras.Model, loss: LossFunction, x: Any, y: Any) -> Objective:
    import jax

    constant = [weight.value for weight in model.non_trainable_variables]
    inputs, labels = jax.numpy.asarray(x), jax.numpy.asarray(y)

    def value(weights: list[Any], constant: list[Any], inputs: Any, labels: Any) -> Any:
        outputs, _, penalties = model.stateless_call(
            weights, constant, inputs, training=False, return_losses=True
        )
        costs, penalty = _costs(loss, labels, outputs), sum(penalties)
        return costs.mean() + penalty, (costs, penalty)

    step = jax.jit(jax.value_and_grad(value, has_aux=True))

    def objective(values: list[np.ndarray]) -> tuple[Any, Any, list[Any]]:
        (_, (costs, penalty)), gradients = step(values, constant, inputs, labels)
        return costs, penalty, gradients

    return objective
