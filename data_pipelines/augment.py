"""Augmentation policy, and its geometry for NumPy and Pillow.

What happens to an image is a pure function of (seed, stream, position): no hidden
state, so any batch can be made again. `ops` holds the same for TensorFlow; both draw
from the same distributions but not the same numbers.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image


@dataclass(frozen=True)
class Augment:
    """What is done to training images; plain values, so that a config can hold it.

    Attributes:
        flip: Mirror left and right every second time.
        crop_scale: Range of the share of the image's area that is cut out and resized
            (random resized crop); None for the plain center crop.
        crop_ratio: Range of width / height of what is cut out, drawn in logarithm.
        saturation: Range of the saturation factor, such as the codelab's (0, 2); 1
            changes nothing; None for none.
    """

    flip: bool = True
    crop_scale: tuple[float, float] | None = (0.5, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    saturation: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        limits = {
            "crop_scale": (0.0, 1.0),
            "crop_ratio": (0.0, math.inf),
            "saturation": (-0.0, math.inf),
        }
        for name, (lowest, highest) in limits.items():
            value = getattr(self, name)
            if value is None:
                continue
            low, high = value
            is_open = name != "saturation"  # an area or ratio of 0 is no crop
            if not (lowest <= low <= high <= highest) or (is_open and low == lowest):
                raise DataError(
                    f"augment {name} must be (low, high) within {lowest}..{highest}; "
                    f"got {value}"
                )
            # JSON has lists only; equal policies have to compare equal.
            object.__setattr__(self, name, (float(low), float(high)))

    def require_geometric(self) -> None:
        """Raises DataError if the policy needs the operations that only `ops` has."""
        if self.saturation is not None:
            raise DataError(
                "augment saturation needs TensorFlow's pipeline; without TensorFlow "
                "only flip and crop_scale are there: set saturation to None"
            )


DEFAULT_AUGMENT = Augment()


def crop_box(
    height: int, width: int, uniforms: tuple[float, ...], augment: Augment
) -> tuple[int, int, int, int]:
    """Returns (left, top, right, bottom) of a random resized crop.

    One draw, cut to the image where it does not fit; the common recipe (Szegedy et
    al. 2014, arXiv:1409.4842, section 6) draws again instead, which costs a loop.

    Args:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        uniforms: Four numbers in 0..1: for area, ratio, left and top.
        augment: Gives the ranges; `crop_scale` must not be None.
    """
    (low, high), (thin, wide) = augment.crop_scale or (1.0, 1.0), augment.crop_ratio
    area = height * width * (low + (high - low) * uniforms[0])
    ratio = math.exp(math.log(thin) + math.log(wide / thin) * uniforms[1])
    crop_width = min(width, max(1, round(math.sqrt(area * ratio))))
    crop_height = min(height, max(1, round(math.sqrt(area / ratio))))
    left = int(uniforms[2] * (width - crop_width + 1))
    top = int(uniforms[3] * (height - crop_height + 1))
    return left, top, left + crop_width, top + crop_height


def augment_image(
    image: "Image.Image", size: int, augment: Augment, rng: "np.random.Generator"
) -> "Image.Image":
    """Returns `image` cropped, resized to size x size pixels and perhaps mirrored."""
    from PIL import Image

    from data_pipelines.resize import crop_resize, fill_resize_center_crop

    uniforms = rng.random(5)
    if augment.crop_scale is None:
        image = fill_resize_center_crop(image, size)
    else:
        box = crop_box(image.height, image.width, tuple(uniforms[:4]), augment)
        image = crop_resize(image, box, size)
    if augment.flip and uniforms[4] < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image
