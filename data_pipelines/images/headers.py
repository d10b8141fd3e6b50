"""What the first bytes of an encoded image tell: format and size; nothing is decoded.

JPEG markers are those of ITU-T T.81, annex B; PNG chunks those of the PNG
specification.
"""

import re
from collections.abc import Iterator

# Pillow's own limit (Image.MAX_IMAGE_PIXELS): a quarter GiB as RGB is 89,478,485.
MAX_PIXELS = 2**30 // 4 // 3
# What libjpeg takes (JPEG_MAX_DIMENSION); OpenCV and libpng stop at a million or so.
MAX_SIDE = 65_500
LIMITS = f"at most {MAX_SIDE:,} per side and {MAX_PIXELS:,} in all are allowed"

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"P5": "PNM",
    b"P6": "PNM",
}
# 0xFF and what follows; not stuffed zeros, restarts and others that have no content.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
# Encoders write at most 14; each one costs a pass over all blocks of the image, so a
# small file of many scans could keep a decoder busy for hours.
MAX_SCANS = 100
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# Start of frame, all kinds: 0xC4, 0xC8 and 0xCC among them mean other things.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def identify(data: bytes) -> str | None:
    """Returns JPEG, PNG, GIF, BMP, WEBP or PNM (PGM, PPM) by the first bytes, or None.

    Args:
        data: A whole file, or its first 12 bytes.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    kinds = (kind for start, kind in _MAGIC.items() if data.startswith(start))
    return next(kinds, None)


def read_size(data: bytes) -> tuple[int, int] | None:
    """Returns the (height, width) in pixels that a JPEG or PNG states, or None."""
    if identify(data) == "PNG" and data[12:16] == b"IHDR" and len(data) >= 24:
        return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    if identify(data) == "JPEG":
        for marker, start in _jpeg_markers(data):
            if marker in _FRAMES and len(data) >= start + 7:
                sides = data[start + 3 : start + 5], data[start + 5 : start + 7]
                height, width = (int.from_bytes(side, "big") for side in sides)
                return height, width
    return None


def has_end(data: bytes) -> bool:
    """Whether the end marker of a JPEG or PNG is there, which decoders may forgive.

    In a JPEG, that of a thumbnail inside does not count, nor does what phones append.
    """
    if identify(data) == "PNG":
        return b"IEND\xaeB`\x82" in data
    return any(marker == _END_OF_IMAGE for marker, _ in _jpeg_markers(data))


def has_one_scan(data: bytes) -> bool:
    """Whether a JPEG ends after its first scan, as all but progressive ones do."""
    markers = [marker for marker, _ in _jpeg_markers(data)]
    return markers[-2:] == [_START_OF_SCAN, _END_OF_IMAGE] and (
        markers.count(_START_OF_SCAN) == 1
    )


def count_scans(data: bytes) -> int:
    """Returns the number of scans of a JPEG."""
    return sum(marker == _START_OF_SCAN for marker, _ in _jpeg_markers(data))


def is_allowed(height: int, width: int) -> bool:
    """Whether an image of that size in pixels is within the `LIMITS`."""
    sides = height, width
    return min(sides) >= 1 and max(sides) <= MAX_SIDE and height * width <= MAX_PIXELS


def _jpeg_markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields the markers of the image itself and where the content of each starts."""
    position = 2
    while match := _MARKER.search(data, position):
        position = match.end()
        yield match[1][0], position
        if match[1][0] == _END_OF_IMAGE:
            return
        # The content begins with its length. What an entropy-coded scan adds after it
        # holds no marker, so the search passes over it.
        position += int.from_bytes(data[position : position + 2], "big")
