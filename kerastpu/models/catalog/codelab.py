"""The networks of the codelab's ladder."""

from kerastpu.models import preprocessing
from kerastpu.models.entry import ModelEntry

ENTRIES: dict[str, ModelEntry] = {
    "convnet": ModelEntry(
        module="kerastpu.models.convnet",
        builder="build_convnet",
        description="the codelab's first convolutional network",
        preprocessing=preprocessing.UNIT,
        source="Google codelab keras-flowers-tpu, simple convnet",
        family="codelab",
        image_size=192,
        num_classes=5,
        num_parameters=78_263,
        flops=0,
        min_size=4,
        normalizations=("unit", "mnist"),
    ),
    "squeezenet": ModelEntry(
        module="kerastpu.models.squeezenet",
        builder="build_squeezenet",
        description="the codelab's solution: fire modules with BatchNorm",
        preprocessing=preprocessing.UNIT,
        source="Google codelab keras-flowers-tpu, SqueezeNet solution",
        family="codelab",
        image_size=192,
        num_classes=5,
        num_parameters=120_613,
        flops=0,
        min_size=16,
        normalizations=("unit", "mnist"),
    ),
}
