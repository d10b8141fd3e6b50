"""One image through a policy: the stages, their order, and the draws they take.

The order, with its reasons:

1. Crop, resize, mirror: all that follows works on the small image only.
2. Rotation, while the edge still has the colors that it is continued with.
3. Colors: hue and saturation, then what a table can do; contrast is the first of these
   because it needs the mean of the image as it is.
4. Blur and sharpening, of what colors are left.
5. RandAugment, which has its own changes of shape and color, on the finished image.
6. Cutout, last: nothing may color the hole or soften its edge.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from data_pipelines import pixels
from data_pipelines.augment import color, filters, geometry, rand_augment, tables
from data_pipelines.augment.policy import Augment
from data_pipelines.errors import DataError

# Which number each operation takes. All are drawn, used or not, so that turning one
# operation on leaves what the others do as it was.
_AREA, _RATIO, _LEFT, _TOP, _FLIP = range(5)
_ROTATION, _HUE, _SATURATION, _CONTRAST, _BRIGHTNESS = range(5, 10)
_IS_DARKENED, _DARKEN, _IS_LIGHTENED, _LIGHTEN = range(10, 14)
_JITTER, _SHIFT = 14, 17  # three each
_INVERT, _IS_BLURRED, _BLUR, _IS_SHARPENED, _SHARPEN = range(20, 25)
_CUTOUT_X, _CUTOUT_Y = 25, 26
_RAND_AUGMENT = 27  # two for each of its operations

_DARKEN_FACTORS = (0.5, 1.0)
_LIGHTEN_FACTORS = (0.5, 1.0)
_BLUR_SIGMAS = (0.1, 2.0)  # as in SimCLR (Chen et al. 2020, arXiv:2002.05709)
_SHARPEN_FACTORS = (1.0, 3.0)


def num_draws(augment: Augment) -> int:
    """Returns how many random numbers `augment_image` takes under a policy."""
    operations = augment.rand_augment_ops
    return _RAND_AUGMENT + operations * rand_augment.DRAWS_PER_OPERATION


def augment_image(
    image: np.ndarray,
    size: int,
    augment: Augment,
    draws: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Returns an image augmented by a policy: a pure function of its arguments.

    Args:
        image: uint8 (height, width, 3), 0..255; not changed.
        size: Side of the result in pixels.
        augment: The policy; mixup and cutmix are not done here but by `mix_batch`.
        draws: float64 (num_draws(augment),), random in 0..1.
        out: Where to write the result, uint8 (size, size, 3) and contiguous.

    Returns:
        uint8 (size, size, 3), 0..255; `out` where it was given.

    Raises:
        DataError: not as many draws as the policy takes.
    """
    if draws.shape != (num_draws(augment),):
        raise DataError(
            f"draws must have shape ({num_draws(augment)},) for this policy; "
            f"got {draws.shape}"
        )
    uniforms = draws.tolist()  # plain numbers from here on
    out = _frame(image, size, augment, uniforms, out)
    result = _change(out, augment, uniforms)
    if result is not out:
        out[...] = result
    return out


def _frame(
    image: np.ndarray,
    size: int,
    augment: Augment,
    uniforms: Sequence[float],
    out: np.ndarray | None,
) -> np.ndarray:
    """Crops, resizes and mirrors."""
    if augment.crop_scale is None:
        out = pixels.center_image(image, size, out)
    else:
        height, width = image.shape[:2]
        four = uniforms[_AREA : _TOP + 1]
        box = geometry.crop_box(height, width, four, augment)
        out = pixels.crop_resize(image, box, size, out)
    if augment.flip and uniforms[_FLIP] < 0.5:
        cv2.flip(out, 1, dst=out)
    return out


def _change(
    image: np.ndarray, augment: Augment, uniforms: Sequence[float]
) -> np.ndarray:
    """Everything that works on the small image; may return it as it is."""
    if augment.rotation:
        degrees = _either_way(augment.rotation, uniforms[_ROTATION])
        image = geometry.rotate(image, degrees, is_mirrored=True)
    if augment.hue or augment.saturation is not None:
        hue = _either_way(augment.hue, uniforms[_HUE])
        factor = _between(augment.saturation or (1.0, 1.0), uniforms[_SATURATION])
        image = color.adjust_hsv(image, hue, factor)
    levels = _levels(image, augment, uniforms)
    if levels is not tables.LEVELS:
        image = tables.apply(image, levels)
    if uniforms[_IS_BLURRED] < augment.blur:
        image = filters.blur(image, _between(_BLUR_SIGMAS, uniforms[_BLUR]))
    if uniforms[_IS_SHARPENED] < augment.sharpen:
        image = filters.sharpen(image, _between(_SHARPEN_FACTORS, uniforms[_SHARPEN]))
    for index in range(_RAND_AUGMENT, len(uniforms), rand_augment.DRAWS_PER_OPERATION):
        choice, sign = uniforms[index : index + 2]
        image = rand_augment.apply_random(
            image, augment.rand_augment_magnitude, choice, sign
        )
    if augment.cutout:
        center = uniforms[_CUTOUT_X], uniforms[_CUTOUT_Y]
        image = geometry.cut_out(image, augment.cutout, center)
    return image


def _levels(
    image: np.ndarray, augment: Augment, uniforms: Sequence[float]
) -> np.ndarray:
    """Returns all operations on single values as one table for `tables.apply`."""
    levels = tables.LEVELS
    if augment.contrast is not None:
        factor = _between(augment.contrast, uniforms[_CONTRAST])
        levels = tables.stretch(levels, factor, tables.mean_gray(image))
    if augment.brightness is not None:
        factor = _between(augment.brightness, uniforms[_BRIGHTNESS])
        levels = tables.stretch(levels, factor)
    if uniforms[_IS_DARKENED] < augment.darken:
        levels = tables.stretch(levels, _between(_DARKEN_FACTORS, uniforms[_DARKEN]))
    if uniforms[_IS_LIGHTENED] < augment.lighten:
        factor = _between(_LIGHTEN_FACTORS, uniforms[_LIGHTEN])
        levels = tables.stretch(levels, factor, 255)
    if augment.color_jitter is not None:
        three = uniforms[_JITTER : _JITTER + 3]
        factors = np.array([_between(augment.color_jitter, one) for one in three])
        levels = tables.stretch(levels, factors)
    if augment.color_shift:
        three = uniforms[_SHIFT : _SHIFT + 3]
        offsets = np.array([_either_way(augment.color_shift, one) for one in three])
        levels = tables.shift(levels, offsets)
    if uniforms[_INVERT] < augment.invert:
        levels = 255 - levels
    return levels


def _between(ends: tuple[float, float], uniform: float) -> float:
    low, high = ends
    return low + (high - low) * uniform


def _either_way(limit: float, uniform: float) -> float:
    return limit * (2 * uniform - 1)
