"""From a typed config to a Keras optimizer."""

import functools
import inspect
import logging
import re
from collections.abc import Sequence
from typing import Any

import keras

from kerastpu.config import OptimizerConfig
from kerastpu.config.optimizer_checks import TAKEN
from kerastpu.errors import UsageError
from kerastpu.models.layers import HEAD
from kerastpu.schedules import Rate

LOG = logging.getLogger("kerastpu")

_CLASSES = {
    "adam": "Adam",
    "adamw": "AdamW",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adadelta": "Adadelta",
    "adagrad": "Adagrad",
    "lion": "Lion",
    "muon": "Muon",
    "lamb": "Lamb",
}
_MUON_SINCE = "3.13"
_CLASSIFIER = f"(^|/){HEAD}/"  # in the path of a variable


def build_optimizer(
    config: OptimizerConfig, rate: Rate, variables: Sequence[keras.Variable] = ()
) -> keras.optimizers.Optimizer:
    """Builds the optimizer of `config`; call it inside the accelerator's scope.

    Weight decay is decoupled (Loshchilov & Hutter, 2017,
    https://arxiv.org/abs/1711.05101): before its update a weight loses learning rate x
    decay of itself. It spares vectors and scalars: biases, and the scales and shifts of
    normalizations. The moving average is Keras's, over updates.

    Args:
        config: the update rule and its numbers.
        rate: learning rate, or a schedule, which Keras asks for each batch, also where
            gradients of several batches are accumulated.
        variables: the model's trainable ones; without them weight decay spares nothing.
            Keras does not save which are spared: build a loaded model's optimizer anew.

    Raises:
        UsageError: muon, and Keras is too old for it.
    """
    arguments = _own_arguments(config) | _common_arguments(config)
    if config.name == "muon":
        arguments = _muon_arguments(arguments)
        _tell_of_matrices(variables)
    optimizer = _class(config)(rate, **arguments)
    optimizer.exclude_from_weight_decay(
        var_list=[variable for variable in variables if len(variable.shape) < 2]
    )
    return optimizer


def _own_arguments(config: OptimizerConfig) -> dict[str, Any]:
    """Returns what not every update rule knows; without the fields left to Keras."""
    arguments: dict[str, Any] = {}
    for field in TAKEN[config.name]:
        value = getattr(config, field)
        if value is not None:  # Keras takes no whole number for a float
            arguments[field] = value if isinstance(value, bool) else float(value)
    if not config.weight_decay and config.name != "adamw":  # which must have one
        arguments["weight_decay"] = None
    return arguments


def _common_arguments(config: OptimizerConfig) -> dict[str, Any]:
    """Returns what every Keras optimizer takes."""
    arguments: dict[str, Any] = {
        "global_clipnorm": float(config.clip_norm) or None,
        "clipvalue": float(config.clip_value) or None,
    }
    if config.accumulate > 1:
        arguments["gradient_accumulation_steps"] = config.accumulate
    if config.ema:
        # Keras averages after each batch, though weights move once in `accumulate`.
        arguments["use_ema"] = True
        arguments["ema_momentum"] = config.ema ** (1 / config.accumulate)
    return arguments


def _muon_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns Keras's arguments of Muon, which holds an Adam for what is no matrix.

    Muon makes updates of dense kernels orthogonal. What is not two-dimensional,
    embeddings and the classifier are updated by Adam, as its authors advise
    (https://kellerjordan.github.io/posts/muon/).

    Raises:
        UsageError: the installed Keras has none, or the one before its step was scaled
            to the size of Adam's.
    """
    kind = getattr(keras.optimizers, "Muon", None)
    if kind is None or "rms_rate" not in inspect.signature(kind).parameters:
        raise UsageError(
            f"optimizer.name muon needs Keras {_MUON_SINCE} or later, and this is "
            f"{keras.__version__}; upgrade Keras or use adamw"
        )
    renamed = {"beta_1": "adam_beta_1", "beta_2": "adam_beta_2"}
    arguments = {renamed.get(name, name): value for name, value in arguments.items()}
    arguments["adam_weight_decay"] = arguments["weight_decay"]
    return arguments | {"exclude_layers": [_CLASSIFIER]}


def _tell_of_matrices(variables: Sequence[keras.Variable]) -> None:
    if variables and not any(re.search(_CLASSIFIER, v.path) for v in variables):
        LOG.warning(
            "muon: no layer is called %s, so the classifier moves as a hidden layer "
            "does; its authors advise adam for it",
            HEAD,
        )
    matrices = [v for v in variables if len(v.shape) == 2]
    if variables and all(re.search(_CLASSIFIER, v.path) for v in matrices):
        LOG.warning(
            "muon moves matrices, of which this network has none besides its "
            "classifier: all of it trains by adam"
        )


def _class(config: OptimizerConfig) -> type[keras.optimizers.Optimizer]:
    """Returns the Keras class, one that clips alike on any number of replicas."""
    kind = getattr(keras.optimizers, _CLASSES[config.name])
    is_clipped = config.clip_norm or config.clip_value
    if not is_clipped or keras.backend.backend() != "tensorflow":
        return kind
    import tensorflow as tf

    num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return kind if num_replicas == 1 else _clipped(kind)


@functools.cache
def _clipped(
    kind: type[keras.optimizers.Optimizer],
) -> type[keras.optimizers.Optimizer]:
    """Returns a subclass that clips the gradient of the global batch.

    On TensorFlow, Keras clips each replica's own share of it before it sums them.
    """
    import tensorflow as tf

    def clip(self: Any, grads: Sequence[Any]) -> list[Any]:
        context = tf.distribute.get_replica_context()
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, list(grads))
        # Keras is going to sum over the replicas what is the same on each of them.
        share = 1 / context.num_replicas_in_sync
        return [gradient * share for gradient in kind._clip_gradients(self, total)]

    return type(f"Clipped{kind.__name__}", (kind,), {"_clip_gradients": clip})
