"""Encoded images: told by their first bytes, checked whole, brought to two formats.

Shards hold only JPEG and 8-bit PNG, gray or RGB, upright: what every decoder reads the
same way. Files that are so already are kept byte for byte.
"""

import io
import stat
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    WebPImagePlugin,
)

from data_pipelines.errors import DataError
from data_pipelines.records import MAX_RECORD_BYTES
from data_pipelines.resize import fill_resize_center_crop

# Pillow's own limit (Image.MAX_IMAGE_PIXELS): a quarter GiB as RGB is 89,478,485.
MAX_PIXELS = 2**30 // 4 // 3
# Leaves room for the other fields of a record.
MAX_IMAGE_BYTES = MAX_RECORD_BYTES - 2**16
ALLOWED = "JPEG, PNG, GIF, BMP, WebP, PGM or PPM"
_JPEG_QUALITY = 95
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
# What Pillow's decoders raise on damaged files.
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)
# The classes are opened directly: Image.open would warn about, and guess at, sizes
# and formats that are refused here with a message of our own.
_OPENERS: dict[str, Callable[[io.BytesIO], Image.Image]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "PNM": PpmImagePlugin.PpmImageFile,
}


@dataclass(frozen=True)
class CheckedImage:
    """An image that decodes: JPEG or 8-bit PNG bytes, height and width in pixels."""

    data: bytes
    height: int
    width: int


def identify(data: bytes) -> str | None:
    """Returns the format that the first bytes of `data` tell, or None."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    magic = {
        b"\xff\xd8\xff": "JPEG",
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"GIF87a": "GIF",
        b"GIF89a": "GIF",
        b"BM": "BMP",
        b"P5": "PNM",
        b"P6": "PNM",
    }
    return next((kind for start, kind in magic.items() if data.startswith(start)), None)


def read_file(path: Path, name: str) -> bytes:
    """Returns the bytes of an image file.

    Raises:
        DataError: `path` is no regular file, is too large or cannot be read; begins
            with `name`.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe might wait forever
            raise DataError(f"{name}: not a regular file")
        if status.st_size > MAX_IMAGE_BYTES:
            raise DataError(
                f"{name}: {status.st_size:,} bytes; at most {MAX_IMAGE_BYTES:,} allowed"
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}") from error


def normalize(data: bytes, name: str, image_size: int | None = None) -> CheckedImage:
    """Checks an encoded image completely and returns it in storable form.

    Upright gray or RGB JPEG and 8-bit PNG are kept byte for byte. Everything else
    (CMYK, palette, 16 bits, EXIF orientation, animation: first frame; transparency:
    over white) is decoded and encoded again: JPEG of quality 95 if the source was JPEG
    or lossy WebP, else PNG.

    Args:
        data: Encoded image in one of the `ALLOWED` formats.
        name: What error messages call the image.
        image_size: Side in pixels of the square that the image is resized to fill and
            cropped to, always encoded again; None keeps the size.

    Raises:
        DataError: empty, not an image, too many pixels, truncated or damaged.
    """
    image, kind = _load(data, name)
    if image_size is None and _is_storable(image, kind, data):
        return CheckedImage(data, image.height, image.width)
    image = to_upright_8bit(image)
    if image_size is not None:
        image = fill_resize_center_crop(image, image_size, antialias=True)
    is_lossy = kind == "JPEG" or (kind == "WEBP" and b"VP8L" not in data)
    out = io.BytesIO()
    if is_lossy:
        image.save(out, "JPEG", quality=_JPEG_QUALITY)
    else:
        image.save(out, "PNG")
    if out.tell() > MAX_IMAGE_BYTES:
        raise DataError(
            f"{name}: {out.tell():,} bytes once encoded; at most {MAX_IMAGE_BYTES:,} "
            "allowed: pass an image_size"
        )
    return CheckedImage(out.getvalue(), image.height, image.width)


def decode_rgb(data: bytes, name: str) -> Image.Image:
    """Returns an encoded image, upright, in mode RGB.

    Raises:
        DataError: as `normalize`.
    """
    image, _ = _load(data, name)
    return to_upright_8bit(image).convert("RGB")


def to_upright_8bit(image: Image.Image) -> Image.Image:
    """Returns `image` turned as EXIF says, in mode L (gray sources) or RGB."""
    orientation = image.getexif().get(_EXIF_ORIENTATION)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    if image.mode.startswith("I"):  # 16 bits: Pillow's convert would clip, not scale
        wide = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((wide + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _load(data: bytes, name: str) -> tuple[Image.Image, str]:
    """Returns the completely decoded image and its format."""
    if not data:
        raise DataError(f"{name}: empty file (0 bytes)")
    kind = identify(data)
    if kind is None:
        raise DataError(
            f"{name}: not an image (starts with {data[:8]!r}); allowed are {ALLOWED}"
        )
    try:
        image = _OPENERS[kind](io.BytesIO(data))
        if image.width * image.height > MAX_PIXELS:
            raise DataError(
                f"{name}: {image.width:,} x {image.height:,} pixels; "
                f"at most {MAX_PIXELS:,} in all are allowed"
            )
        image.load()
        image.getexif()  # parsed here, once, since it may be damaged as well
        if kind == "PNG":  # the checksums that load passes over, not every decoder
            _OPENERS[kind](io.BytesIO(data)).verify()
    except DataError:
        raise
    except (*_DECODE_ERRORS, Image.DecompressionBombError) as error:
        raise DataError(f"{name}: truncated or damaged {kind} ({error})") from error
    if not _has_end(data, kind):
        raise DataError(f"{name}: truncated or damaged {kind} (no end marker)")
    return image, kind


def _has_end(data: bytes, kind: str) -> bool:
    """Whether the format's end marker is there: Pillow forgives, TensorFlow does not.

    In a JPEG it has to follow the last scan, for a thumbnail inside has one as well.
    """
    if kind == "JPEG":
        return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    return kind != "PNG" or b"IEND\xaeB`\x82" in data


def _is_storable(image: Image.Image, kind: str, data: bytes) -> bool:
    """Whether any decoder reads these bytes as the same upright gray or RGB pixels."""
    if image.getexif().get(_EXIF_ORIENTATION) in _TURNS:
        return False
    if kind == "JPEG":
        return image.mode in ("L", "RGB")
    if kind != "PNG":
        return False
    bit_depth, color_type = data[24], data[25]  # of the IHDR chunk, always the first
    is_plain = bit_depth == 8 and color_type in (0, 2)  # gray, RGB
    is_animated = getattr(image, "is_animated", False)
    return is_plain and not is_animated and "transparency" not in image.info
