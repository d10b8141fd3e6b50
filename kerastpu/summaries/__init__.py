"""What a network is: tables in three styles, cost, receptive field, memory, a diagram.

`measure` reads a Keras model without running it; a style turns what it found into a
table; `diagram.save` draws it. Importing this package imports no Keras.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from kerastpu.summaries import dl4j_style, keras_style, sas_style
from kerastpu.summaries.measures import LayerMeasures, ModelMeasures, measure

__all__ = ["STYLES", "LayerMeasures", "ModelMeasures", "Style", "measure"]


@dataclasses.dataclass(frozen=True)
class Style:
    """A way to show what was measured.

    Attributes:
        text: Returns a table for people.
        to_dict: Returns the same as plain values, ready for `json`.
    """

    text: Callable[[ModelMeasures], str]
    to_dict: Callable[[ModelMeasures], dict[str, Any]]


STYLES: Mapping[str, Style] = {
    "keras": Style(keras_style.text, ModelMeasures.to_dict),
    "sas": Style(sas_style.text, lambda m: sas_style.summarize(m).to_dict()),
    "dl4j": Style(dl4j_style.text, lambda m: dl4j_style.summarize(m).to_dict()),
}
