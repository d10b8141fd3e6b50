"""The networks of the codelab's ladder and of its notebooks."""

from kerastpu.models import preprocessing
from kerastpu.models.entry import ModelEntry

_MODERN = 'Google codelab "Modern convnets, squeezenet, Xception, with Keras and TPUs"'
_NOTEBOOKS = (
    "GoogleCloudPlatform/training-data-analyst, courses/fast-and-lean-data-science, "
)


def _entry(
    name: str,
    description: str,
    source: str,
    num_parameters: int,
    flops: int,
    min_size: int,
    *,
    module: str | None = None,
    image_size: int = 192,
) -> ModelEntry:
    """Returns the entry of `build_<name>`; all take flowers of 5 classes."""
    return ModelEntry(
        module=f"kerastpu.models.{module or name}",
        builder=f"build_{name}",
        description=description,
        preprocessing=preprocessing.UNIT,
        source=source,
        family="codelab",
        image_size=image_size,
        num_classes=5,
        num_parameters=num_parameters,
        flops=flops,
        min_size=min_size,
        normalizations=("unit", "mnist"),
    )


ENTRIES: dict[str, ModelEntry] = {
    "dense": _entry(
        "dense",
        "three dense layers on all pixels: what convolutions improve on",
        _MODERN,
        num_parameters=55_321_805,
        flops=110_642_500,
        min_size=1,
        module="mlp",
    ),
    "convnet": _entry(
        "convnet",
        "the codelab's first convolutional network: four 3x3 convolutions",
        _MODERN,
        num_parameters=78_263,
        flops=480_881_664,
        min_size=4,
    ),
    "convnet_1x1": _entry(
        "convnet_1x1",
        "ten convolutions, every other one 1x1",
        _MODERN,
        num_parameters=43_389,
        flops=388_300_032,
        min_size=16,
    ),
    "flowers_convnet": _entry(
        "flowers_convnet",
        "six growing 3x3 convolutions, a 1x1, average pooling",
        f"{_NOTEBOOKS}07_Keras_Flowers_TPU_solution",
        num_parameters=293_233,
        flops=1_014_109_456,
        min_size=16,
    ),
    "inception_convnet": _entry(
        "inception_convnet",
        "firenet with 1x1 and 3x3 convolutions side by side instead of fire modules",
        f"module of the {_MODERN}; the network around it is kerastpu's",
        num_parameters=52_613,
        flops=1_290_535_552,
        min_size=4,
    ),
    "firenet": _entry(
        "firenet",
        "the codelab's example of three fire modules",
        _MODERN,
        num_parameters=21_709,
        flops=704_250_336,
        min_size=4,
    ),
    "squeezenet": _entry(
        "squeezenet",
        "the codelab's solution: five fire modules with BatchNorm",
        f"{_NOTEBOOKS}07_Keras_Flowers_TPU_squeezenet",
        num_parameters=120_613,
        flops=1_265_136_096,
        min_size=16,
    ),
    "squeezenet_pod": _entry(
        "squeezenet_pod",
        "squeezenet without biases, BatchNorm before the ReLU, dropout",
        f"{_NOTEBOOKS}keras_flowers_gputputpupod_tf2.1",
        num_parameters=119_365,
        flops=3_737_753_504,
        min_size=16,
        image_size=331,
    ),
}
