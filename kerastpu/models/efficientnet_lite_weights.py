"""Fills EfficientNet-Lite with ImageNet weights from a PyTorch checkpoint.

The checkpoints are named as in the PyTorch port (efficientnet-lite-pytorch, after
lukemelas/EfficientNet-PyTorch), whose padding is that of TensorFlow.
"""

from __future__ import annotations

import keras

from kerastpu import pretrained
from kerastpu.models import layers

# Keras layer name -> prefix in the PyTorch checkpoint, outside and inside a block.
_TORCH_NAMES = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
    layers.HEAD: "_fc",
}
_TORCH_BLOCK_NAMES = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}


def load(model: keras.Model, source: pretrained.WeightSource) -> None:
    """Fills `model`; a classifier of other than the source's classes stays random.

    Args:
        model: A member of the family, with or without classifier; changed in place.
        source: Where its ImageNet weights are.

    Raises:
        MissingExtraError: the package with the weights is not installed.
        KerastpuError: the file is damaged, or is of another member of the family.
    """
    state = pretrained.read_state(source)
    names = {
        layer.name: _torch_name(layer.name) for layer in model.layers if layer.weights
    }
    if layers.HEAD not in names or model.output_shape[-1] != len(state["_fc.bias"]):
        names.pop(layers.HEAD, None)
        del state["_fc.weight"], state["_fc.bias"]
    pretrained.assign(model, state, names)


def _torch_name(layer: str) -> str:
    """Translates a Keras layer name to the checkpoint's: `block3_project_bn`."""
    if layer in _TORCH_NAMES:
        return _TORCH_NAMES[layer]
    block, part = layer.removeprefix("block").split("_", 1)
    return f"_blocks.{block}.{_TORCH_BLOCK_NAMES[part]}"
