"""Pillow images of any mode to upright ones of 8 bits, gray or RGB."""

import numpy as np
from PIL import Image

_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def is_upright(image: Image.Image) -> bool:
    """Whether the pixels stand as they are to be seen, by what EXIF says."""
    return image.getexif().get(_EXIF_ORIENTATION) not in _TURNS


def to_upright_8bit(image: Image.Image) -> Image.Image:
    """Returns `image` turned as EXIF says, in mode L (gray sources) or RGB.

    16 bits are scaled to 8, transparency is laid over white.
    """
    if not is_upright(image):
        image = image.transpose(_TURNS[image.getexif()[_EXIF_ORIENTATION]])
    if image.mode.startswith("I"):  # 16 bits: Pillow's convert would clip, not scale
        wide = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((wide + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
