"""What is known of an operator: the function that makes its layers, its settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from kerastpu.importers.attributes import Attributes
from kerastpu.importers.call import Call

Convert = Callable[[Call], Any]


@dataclasses.dataclass(frozen=True)
class Operator:
    """One operator of ONNX.

    Attributes:
        convert: From a node to its value, or to a tuple, one value for each output.
        attributes: The settings that it may have.
        most_inputs: Inputs beyond these cannot be imported.
    """

    convert: Convert
    attributes: Attributes = dataclasses.field(default_factory=dict)
    most_inputs: int = 10_000
