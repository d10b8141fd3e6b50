"""PGM and PPM as arrays are handed over: pixels after one line, nothing to decode."""

import math
import re

import numpy as np

from data_pipelines.images import headers

# As `from_arrays` writes them: no comments, one space between, 8 bits.
_HEADER = re.compile(rb"P([56]) ([1-9]\d{0,5}) ([1-9]\d{0,5}) 255\n")


def read_plain(data: bytes) -> np.ndarray | None:
    """Returns a view of the pixels, uint8 (height, width) or (height, width, 3).

    None where `data` is anything else, cut or too large.
    """
    header = _HEADER.match(data)
    if header is None:
        return None
    width, height = int(header[2]), int(header[3])
    shape = (height, width) if header[1] == b"5" else (height, width, 3)
    is_whole = len(data) - header.end() == math.prod(shape)
    if not is_whole or not headers.is_allowed(height, width):
        return None
    return np.frombuffer(data, np.uint8, offset=header.end()).reshape(shape)
