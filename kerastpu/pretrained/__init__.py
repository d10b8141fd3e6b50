"""Trained weights: where they come from, their licences, and how they get in.

Weights that are known by a name come from a `WeightSource`; any network also takes a
file of its own weights. Importing this package imports no Keras.
"""

from kerastpu.pretrained.keras_imagenet import KERAS_IMAGENET
from kerastpu.pretrained.names import FILE_ENDINGS, check_name, is_file
from kerastpu.pretrained.packaged import (
    EFFICIENTNET_LITE0,
    EFFICIENTNET_LITE1,
    EFFICIENTNET_LITE2,
    PackagedCheckpoint,
)
from kerastpu.pretrained.published import (
    SQUEEZENET_V11,
    KerasImagenet,
    PublishedFile,
    load_file,
)
from kerastpu.pretrained.source import Availability, WeightSource

__all__ = [
    "EFFICIENTNET_LITE0",
    "EFFICIENTNET_LITE1",
    "EFFICIENTNET_LITE2",
    "FILE_ENDINGS",
    "KERAS_IMAGENET",
    "SQUEEZENET_V11",
    "Availability",
    "KerasImagenet",
    "PackagedCheckpoint",
    "PublishedFile",
    "WeightSource",
    "check_name",
    "is_file",
    "load_file",
]
