"""Crops and resizes with Pillow: the reference for what `ops` does in TensorFlow."""

from PIL import Image


def fill_resize_center_crop(
    image: Image.Image, size: int, *, antialias: bool = False
) -> Image.Image:
    """Returns the centered square of `image`, bilinearly resized to `size` pixels.

    Cropping first is the codelab's "resize to fill, then crop the center" without
    computing the pixels that the crop throws away.

    Args:
        image: An upright image.
        size: Side of the result in pixels.
        antialias: Average over all source pixels when shrinking (better pictures).
            False samples as `ops.center_image` does in TensorFlow, within one level
            of 255.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return crop_resize(image, box, size, antialias=antialias)


def crop_resize(
    image: Image.Image,
    box: tuple[int, int, int, int],
    size: int,
    *,
    antialias: bool = False,
) -> Image.Image:
    """Returns the pixels of box = (left, top, right, bottom), resized to size x size.

    Same sampling as `fill_resize_center_crop`.
    """
    cropped = image.crop(box)
    if cropped.size == (size, size):
        return cropped
    if antialias:
        return cropped.resize((size, size), Image.Resampling.BILINEAR)
    return cropped.transform(
        (size, size),
        Image.Transform.EXTENT,
        (0, 0, *cropped.size),
        Image.Resampling.BILINEAR,
    )
