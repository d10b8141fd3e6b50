"""Networks for digits."""

from kerastpu.models import preprocessing
from kerastpu.models.entry import ModelEntry

_NOTEBOOKS = (
    "GoogleCloudPlatform/training-data-analyst, courses/fast-and-lean-data-science, "
)


def _entry(
    name: str,
    module: str,
    description: str,
    source: str,
    num_parameters: int,
    flops: int,
    min_size: int,
) -> ModelEntry:
    """Returns the entry of `build_<name>`; all take 28x28x1 pixels and 10 classes."""
    return ModelEntry(
        module=f"kerastpu.models.{module}",
        builder=f"build_{name}",
        description=description,
        preprocessing=preprocessing.UNIT,
        source=source,
        family="mnist",
        image_size=28,
        channels=1,
        num_classes=10,
        num_parameters=num_parameters,
        flops=flops,
        min_size=min_size,
        normalizations=("unit", "mnist"),
    )


ENTRIES: dict[str, ModelEntry] = {
    "mnist_mlp": _entry(
        "mnist_mlp",
        "mlp",
        "the book's digits: 256 units, dropout, no activation between",
        "book on PyTorch, chapter 4-1, program 04_05",
        num_parameters=203_530,
        flops=406_528,
        min_size=1,
    ),
    "mnist_dense": _entry(
        "mnist_dense",
        "mlp",
        "dense layers of 200 and 60 units, ReLU, dropout",
        'Google codelab "TensorFlow, Keras and deep learning, without a PhD"',
        num_parameters=169_670,
        flops=338_800,
        min_size=1,
    ),
    "mnist_convnet": _entry(
        "mnist_convnet",
        "mnist_convnet",
        "convolutions of 12, 24 and 32 filters, 200 units, BatchNorm, dropout",
        f"{_NOTEBOOKS}01_MNIST_TPU_Keras",
        num_parameters=354_538,
        flops=7_574_304,
        min_size=4,
    ),
    "mnist_convnet_small": _entry(
        "mnist_convnet_small",
        "mnist_convnet",
        "convolutions of 6, 12 and 24 filters, 200 units, BatchNorm, dropout",
        f"{_NOTEBOOKS}05K_MNIST_TF20Keras_Tensorboard_solution",
        num_parameters=250_950,
        flops=2_591_200,
        min_size=4,
    ),
}
