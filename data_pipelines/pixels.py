"""Decoding, cropping and resizing with OpenCV: the same pixels on every backend.

OpenCV lets other threads run while it works and writes where it is told to, so two
threads fill batches at the speed of two cores. The Pillow functions in `resize` are the
reference, and what writes shards.
"""

import cv2
import numpy as np

from data_pipelines.errors import DataError

# The threads that make batches are the parallelism; more inside would only wait.
cv2.setNumThreads(1)
# Channels of the images that are made.
CHANNELS = {"rgb": 3, "gray": 1}
# Stored images are upright already; what they say of their orientation is stale.
_FLAGS = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION


def decode(data: "bytes | memoryview | np.ndarray", name: str) -> np.ndarray:
    """Returns the uint8 (height, width, 3) RGB pixels, 0..255, of a stored image.

    Args:
        data: A JPEG or 8-bit PNG, gray or RGB.
        name: What an error calls the image.

    Raises:
        DataError: it does not decode.
    """
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS)
    except cv2.error as error:
        raise DataError(f"{name}: does not decode: {error.err}") from error
    if image is None:
        raise DataError(f"{name}: does not decode as a JPEG or PNG")
    return image


def to_color(images: np.ndarray, color: str) -> np.ndarray:
    """Returns images with the channels that `color` names.

    Gray is 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601), rounded, as in OpenCV
    and within one level of Pillow's mode "L"; an image that is gray keeps its values.

    Args:
        images: uint8 (batch, height, width, 3), RGB.
        color: A key of `CHANNELS`; rgb returns `images` as they are.

    Returns:
        uint8 (batch, height, width, CHANNELS[color]), 0..255.
    """
    if color == "rgb":
        return images
    batch, height, width, _ = images.shape
    gray = cv2.cvtColor(images.reshape(-1, width, 3), cv2.COLOR_RGB2GRAY)
    return gray.reshape(batch, height, width, 1)


def check_color(color: str) -> None:
    """Raises DataError unless `color` is a key of `CHANNELS`."""
    if color not in CHANNELS:
        raise DataError(f"color must be one of {', '.join(CHANNELS)}; got {color!r}")


def center_image(
    image: np.ndarray, size: int, out: np.ndarray | None = None
) -> np.ndarray:
    """Returns the centered square, bilinearly resized to uint8 (size, size, 3).

    Args:
        image: uint8 (height, width, 3).
        size: Side of the result in pixels.
        out: Where to write the result, uint8 (size, size, 3) and contiguous.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    return crop_resize(
        image, ((width - side) // 2, (height - side) // 2, side, side), size, out
    )


def crop_resize(
    image: np.ndarray,
    box: tuple[int, int, int, int],
    size: int,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Returns box = (left, top, width, height) of `image`, resized as center_image.

    No antialiasing: it would cost more than decoding.
    """
    left, top, width, height = box
    cropped = image[top : top + height, left : left + width]
    if out is None:
        out = np.empty((size, size, 3), np.uint8)
    if cropped.shape == out.shape:  # nothing to interpolate
        out[...] = cropped
        return out
    cv2.resize(cropped, (size, size), dst=out, interpolation=cv2.INTER_LINEAR)
    return out
