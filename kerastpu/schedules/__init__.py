"""Learning rates: pure functions of the step, and Keras's classes over them.

The functions load no Keras; `Schedule`, `TableSchedule`, `tabulate`, `as_keras`,
`callback` and `PlateauCallback` load it when one of them is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from kerastpu.schedules.building import build, describe
from kerastpu.schedules.catalog import SHAPES, Shape
from kerastpu.schedules.curves import Curve
from kerastpu.schedules.custom import piecewise
from kerastpu.schedules.cycles import cyclic, one_cycle
from kerastpu.schedules.plateaus import plateau
from kerastpu.schedules.scaling import scale_with_replicas
from kerastpu.schedules.shapes import (
    LearningRateFunction,
    by_epoch,
    constant,
    cosine,
    exponential,
    multistep,
    polynomial,
    ramp_sustain_decay,
    step_decay,
    warmup_cosine,
    with_warmup,
)

if TYPE_CHECKING:
    from kerastpu.schedules.callbacks import PlateauCallback, RateCallback, callback
    from kerastpu.schedules.keras_schedules import (
        Rate,
        Schedule,
        TableSchedule,
        as_keras,
        tabulate,
    )

_KERAS = {
    "PlateauCallback": "callbacks",
    "Rate": "keras_schedules",
    "RateCallback": "callbacks",
    "Schedule": "keras_schedules",
    "TableSchedule": "keras_schedules",
    "as_keras": "keras_schedules",
    "callback": "callbacks",
    "tabulate": "keras_schedules",
}

__all__ = [
    "SHAPES",
    "Curve",
    "LearningRateFunction",
    "PlateauCallback",
    "Rate",
    "RateCallback",
    "Schedule",
    "Shape",
    "TableSchedule",
    "as_keras",
    "build",
    "by_epoch",
    "callback",
    "constant",
    "cosine",
    "cyclic",
    "describe",
    "exponential",
    "multistep",
    "one_cycle",
    "piecewise",
    "plateau",
    "polynomial",
    "ramp_sustain_decay",
    "scale_with_replicas",
    "step_decay",
    "tabulate",
    "warmup_cosine",
    "with_warmup",
]


def __getattr__(name: str) -> Any:
    if name not in _KERAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_KERAS[name]}"), name)
