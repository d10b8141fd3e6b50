"""Encoded images: checked whole, brought to two formats.

Shards hold only JPEG and 8-bit PNG, gray or RGB, upright: what every decoder reads the
same way. Files that are so already are kept byte for byte, once the decoder that will
read them has done so.
"""

import contextlib
import io
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
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

from data_pipelines import pixels
from data_pipelines.errors import DataError, UnreadableError
from data_pipelines.images import headers
from data_pipelines.images.headers import identify
from data_pipelines.images.pnm import read_plain
from data_pipelines.images.resize import fill_resize_center_crop, shrink_short_side
from data_pipelines.images.upright import is_upright, to_upright_8bit
from data_pipelines.shards.manifest import DEFAULT_QUALITY
from data_pipelines.shards.records import MAX_RECORD_BYTES

# Leaves room for the other fields of a record.
MAX_IMAGE_BYTES = MAX_RECORD_BYTES - 2**16
ALLOWED = "JPEG, PNG, GIF, BMP, WebP, PGM or PPM"
# What Pillow's decoders raise on damaged files.
_DECODE_ERRORS = (
    ArithmeticError,
    AssertionError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
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
        reason = error.strerror or error
        raise UnreadableError(f"{name}: cannot be read: {reason}") from error


def normalize(
    data: bytes,
    name: str,
    *,
    image_size: int | None = None,
    short_side: int | None = None,
    quality: int = DEFAULT_QUALITY,
) -> CheckedImage:
    """Checks an encoded image completely and returns it in storable form.

    Upright gray or RGB JPEG and 8-bit PNG are kept byte for byte. Everything else
    (CMYK, palette, 16 bits, EXIF orientation, animation: first frame; transparency:
    over white) is decoded and encoded again: as JPEG if the source was JPEG or lossy
    WebP, else as PNG.

    Args:
        data: Encoded image in one of the `ALLOWED` formats.
        name: What error messages call the image.
        image_size: Side in pixels of the square that the image is resized to fill and
            cropped to, always encoded again; None keeps the size.
        short_side: Pixels that the shorter side is scaled down to where it is longer,
            which encodes again; None keeps the size.
        quality: Of JPEG where it is encoded again, 1..100.

    Raises:
        DataError: empty, not an image, too many pixels, truncated or damaged.
    """
    if image_size is short_side is None and (plain := read_plain(data)) is not None:
        return _checked(_encode_png(plain), name, plain.shape)
    kind = _kind(data, name)
    with _told_as_damage(name, kind):
        image = _open(data, name, kind)
        is_large = short_side is not None and min(image.size) > short_side
        if image_size is None and not is_large and _is_storable(image, kind, data):
            _check_engine(image, data, name)
            return CheckedImage(data, image.height, image.width)
        _load(image, kind, data, name)
        image = to_upright_8bit(image)
    if image_size is not None:
        image = fill_resize_center_crop(image, image_size, antialias=True)
    elif short_side is not None:
        image = shrink_short_side(image, short_side)
    if kind == "JPEG" or (kind == "WEBP" and b"VP8L" not in data):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        encoded = out.getvalue()
    else:
        encoded = _encode_png(np.asarray(image))
    return _checked(encoded, name, (image.height, image.width))


def decode_rgb(data: bytes, name: str) -> Image.Image:
    """Returns an encoded image, upright, in mode RGB.

    Raises:
        DataError: as `normalize`.
    """
    kind = _kind(data, name)
    with _told_as_damage(name, kind):
        image = _open(data, name, kind)
        _load(image, kind, data, name)
        return to_upright_8bit(image).convert("RGB")


def _kind(data: bytes, name: str) -> str:
    if not data:
        raise DataError(f"{name}: empty file (0 bytes)")
    kind = identify(data)
    if kind is None:
        raise DataError(
            f"{name}: not an image (starts with {data[:8]!r}); allowed are {ALLOWED}"
        )
    return kind


@contextlib.contextmanager
def _told_as_damage(name: str, kind: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except _DECODE_ERRORS as error:
        raise DataError(f"{name}: truncated or damaged {kind} ({error})") from error


def _open(data: bytes, name: str, kind: str) -> Image.Image:
    """Returns the image, of which only the header is read yet."""
    image = _OPENERS[kind](io.BytesIO(data))
    if not headers.is_allowed(image.height, image.width):
        raise DataError(
            f"{name}: {image.width:,} x {image.height:,} pixels; {headers.LIMITS}"
        )
    if kind in ("JPEG", "PNG") and not headers.has_end(data):
        raise DataError(f"{name}: truncated or damaged {kind} (no end marker)")
    if kind == "JPEG" and headers.count_scans(data) > headers.MAX_SCANS:
        raise DataError(f"{name}: more than {headers.MAX_SCANS} scans in a JPEG")
    return image


def _load(image: Image.Image, kind: str, data: bytes, name: str) -> None:
    """Decodes the whole image."""
    image.load()
    if kind == "PNG":  # Pillow takes what is missing of the pixels as black
        _check_engine(image, data, name)


def _check_engine(image: Image.Image, data: bytes, name: str) -> None:
    """Checks that what reads shards sees an image of the same size in these bytes."""
    if image.format == "PNG":  # the checksums that decoding passes over
        PngImagePlugin.PngImageFile(io.BytesIO(data)).verify()
    elif not headers.has_one_scan(data):  # OpenCV forgives what follows the first one
        image.load()
    decoded = pixels.decode(data, name).shape[:2]
    # `verify` will ask the header again.
    if not decoded == headers.read_size(data) == (image.height, image.width):
        raise DataError(f"{name}: damaged {image.format} (its size is not clear)")


def _is_storable(image: Image.Image, kind: str, data: bytes) -> bool:
    """Whether any decoder reads these bytes as the same upright gray or RGB pixels."""
    if not is_upright(image):
        return False
    if kind == "JPEG":
        return image.mode in ("L", "RGB")
    if kind != "PNG":
        return False
    bit_depth, color_type = data[24], data[25]  # of the IHDR chunk, always the first
    is_plain = bit_depth == 8 and color_type in (0, 2)  # gray, RGB
    is_animated = getattr(image, "is_animated", False)
    return is_plain and not is_animated and "transparency" not in image.info


def _encode_png(image: np.ndarray) -> bytes:
    """Encodes uint8 (height, width) or (height, width, 3) RGB."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # As small as Pillow's files (within 2 %), in a third of the time.
    strategy = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    return cv2.imencode(".png", image, strategy)[1].tobytes()


def _checked(encoded: bytes, name: str, shape: tuple[int, ...]) -> CheckedImage:
    if len(encoded) > MAX_IMAGE_BYTES:
        raise DataError(
            f"{name}: {len(encoded):,} bytes once encoded; at most "
            f"{MAX_IMAGE_BYTES:,} allowed: pass an image_size"
        )
    return CheckedImage(encoded, *shape[:2])
