"""What a network is: tables in three styles, cost, receptive field, memory, a diagram.

`measure` reads a Keras model without running it; the styles turn what it found
into tables; `diagram.save` draws it. Importing this package imports no Keras.
"""

from kerastpu.summaries import dl4j_style, keras_style, sas_style
from kerastpu.summaries.measures import LayerMeasures, ModelMeasures, measure

__all__ = [
    "LayerMeasures",
    "ModelMeasures",
    "dl4j_style",
    "keras_style",
    "measure",
    "sas_style",
]
