"""Crops and resizes with Pillow: what writes shards, and the reference of `pixels`."""

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
            False samples as `pixels.center_image` does, within one level of 255.
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


def shrink_short_side(image: Image.Image, short_side: int) -> Image.Image:
    """Returns `image` with its shorter side scaled down to at most `short_side` pixels.

    The shape is kept but for rounding, nothing is enlarged; bilinear, averaged over all
    source pixels.
    """
    scale = short_side / min(image.size)
    if scale >= 1:
        return image
    width, height = (round(side * scale) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR)
