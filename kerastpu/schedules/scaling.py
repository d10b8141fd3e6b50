"""How the learning rate grows with the replicas that share a step."""

import math
from types import MappingProxyType

from kerastpu.errors import UsageError
from kerastpu.schedules import arguments

SOURCES = MappingProxyType(
    {
        "none": "not scaled",
        "sqrt": "square root, Krizhevsky 2014",
        "linear": "linear, Goyal et al. 2017",
    }
)


def scale_with_replicas(learning_rate: float, num_replicas: int, rule: str) -> float:
    """Scales a one-replica learning rate to the global batch of N replicas.

    N replicas see N times as many examples in a step. `linear` keeps the way that the
    weights go per example: N small steps into one large one. `sqrt` keeps the variance
    of a step instead, as the noise of a mean of N times as many gradients is smaller by
    the square root of N.

    Args:
        learning_rate: what suits one replica's batch.
        num_replicas: replicas that share a step.
        rule: "linear" (Goyal et al., 2017, https://arxiv.org/abs/1706.02677: x N),
            "sqrt" (Krizhevsky, 2014, https://arxiv.org/abs/1404.5997, section 5: x
            square root of N) or "none".

    Returns:
        The learning rate for the global batch.

    Raises:
        UsageError: an unknown rule, no replica, or no learning rate.
    """
    arguments.rate("learning_rate", learning_rate)
    arguments.whole("num_replicas", num_replicas, 1)
    if rule not in SOURCES:
        raise UsageError(f"rule must be one of {', '.join(SOURCES)}; got {rule!r}")
    factor = {"none": 1.0, "sqrt": math.sqrt(num_replicas), "linear": num_replicas}
    return learning_rate * factor[rule]


def describe(num_replicas: int, rule: str) -> str:
    """Returns what a rule does to the rate, such as "x 8 for 8 replicas (linear, ...)".

    Raises:
        UsageError: see `scale_with_replicas`.
    """
    factor = scale_with_replicas(1.0, num_replicas, rule)
    replicas = f"{num_replicas} replica{'' if num_replicas == 1 else 's'}"
    return f"x {factor:g} for {replicas} ({SOURCES[rule]})"
