"""What each family of networks does to pixels 0..255 before its first layer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

Channels = float | tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """A linear function of the pixels: x * scale + offset, by channel.

    Attributes:
        text: The formula for people.
        scale: Factor, one number or one for each channel as the network counts them.
        offset: Added after that, likewise.
        is_bgr: Whether the network takes blue, green, red: the channels are reversed
            first.
    """

    text: str
    scale: Channels
    offset: Channels
    is_bgr: bool = False

    def __call__(self, image: keras.KerasTensor) -> keras.KerasTensor:
        """Applies it by stock layers, in float32 also under mixed precision.

        bfloat16 would not do: it has only 8 bits for the 256 levels.

        Args:
            image: float32 (batch, height, width, channels), 0..255.

        Returns:
            The same shape, as the network's first layer takes it.
        """
        import keras

        if self.is_bgr:
            image = keras.ops.flip(image, axis=-1)
        return keras.layers.Rescaling(
            _plain(self.scale),
            offset=_plain(self.offset),
            dtype="float32",
            name="preprocessing",
        )(image)

    def on_array(self, images: np.ndarray) -> np.ndarray:
        """Applies it to an array (..., channels) of 0..255; returns float32."""
        images = images[..., ::-1] if self.is_bgr else images
        scale = np.asarray(self.scale, np.float32)
        offset = np.asarray(self.offset, np.float32)
        return images.astype(np.float32) * scale + offset


def _plain(value: Channels) -> float | list[float]:
    """Returns what Rescaling can write into its config."""
    return list(value) if isinstance(value, tuple) else value


def _standardize(
    text: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> Preprocessing:
    """Returns (x / 255 - mean) / std."""
    scale = tuple(1 / 255 / s for s in std)
    offset = tuple(-m / s for m, s in zip(mean, std, strict=True))
    return Preprocessing(text, scale, offset)


UNIT = Preprocessing("x / 255", 1 / 255, 0.0)
# Mean and standard deviation of the training pixels of MNIST, divided by 255.
MNIST = Preprocessing("(x / 255 - 0.1307) / 0.3081", 1 / 255 / 0.3081, -0.1307 / 0.3081)
# The names are those of `keras.applications.imagenet_utils.preprocess_input`.
TF = Preprocessing("x / 127.5 - 1", 1 / 127.5, -1.0)
CAFFE = Preprocessing(
    "BGR, x - (103.939, 116.779, 123.68)", 1.0, (-103.939, -116.779, -123.68), True
)
TORCH = _standardize(
    "(x / 255 - mean) / std of ImageNet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
)
# As the larger networks of EfficientNetV2 do it.
SIGNED = Preprocessing("x / 128 - 1", 1 / 128, -1.0)
# As EfficientNet-Lite's weights were trained.
LITE = Preprocessing("(x - 127) / 128", 1 / 128, -127 / 128)

# As SAS DLPy imports the ONNX Model Zoo's ResNet-50 v1: TORCH to within 0.04, with one
# factor for all colors.
DLPY = Preprocessing(
    "x * 0.0173611 - (2.155, 2.027, 1.804)", 0.0173611, (-2.155, -2.027, -1.804)
)

# What `normalization` accepts in the builders of small networks.
NORMALIZATIONS = {"unit": UNIT, "mnist": MNIST}
