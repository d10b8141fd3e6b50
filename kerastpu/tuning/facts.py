"""What a study knows of its trials beside their curves, and which is the best."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kerastpu.errors import UsageError
from kerastpu.tuning.trials import Trial, level


@dataclass
class Facts:
    """What is known of a trial beside its curve.

    Attributes:
        rows: of each epoch, the columns of metrics.csv and `seconds`, of that epoch
            with what came before it.
        seconds: that its jobs took, building and loading included.
        reason: why its last job ended.
        parameters: of the trained part of its network.
        latency_ms: of the trained part for one example.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    reason: str = ""
    parameters: int | None = None
    latency_ms: float | None = None


def best(trials: Sequence[Trial]) -> Trial:
    """Returns the trial with the lowest error among those trained furthest.

    Raises:
        UsageError: no trial has a result.
    """
    usable = [trial for trial in trials if trial.is_usable]
    if not usable:
        raise UsageError("no trial has a result yet")
    longest = max(trial.epochs for trial in usable)
    furthest = [trial for trial in usable if trial.epochs == longest]
    return min(furthest, key=lambda trial: level(trial.curve))
