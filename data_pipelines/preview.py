"""Pictures of a data set to look at before training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from data_pipelines.errors import DataError

_GAP = 4
_TITLE_HEIGHT = 16


def contact_sheet(
    images: Sequence[np.ndarray], *, columns: int, titles: Sequence[str] | None = None
) -> Image.Image:
    """Lay images out on one white sheet, row by row.

    Args:
        images: uint8 (height, width, 3) each; the largest one sets the cells.
        columns: Images in a row, at least 1.
        titles: One line of text under each image, cut to the width of its cell.

    Returns:
        RGB image.

    Raises:
        DataError: There is no image, no column, or not one title for each image.
    """
    if not images or columns < 1:
        raise DataError(
            "a contact sheet needs at least one image and one column, "
            f"not {len(images)} and {columns}"
        )
    if titles is not None and len(titles) != len(images):
        raise DataError(f"{len(images)} images need as many titles, not {len(titles)}")
    height = max(image.shape[0] for image in images) + _GAP
    height += 0 if titles is None else _TITLE_HEIGHT
    width = max(image.shape[1] for image in images) + _GAP
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for position, image in enumerate(images):
        left = position % columns * width + _GAP
        top = position // columns * height + _GAP
        sheet.paste(Image.fromarray(image), (left, top))
        if titles is not None:
            text = titles[position]
            while text and draw.textlength(text) > width - _GAP:
                text = text[:-1]
            draw.text((left, top + image.shape[0] + 1), text, fill="black")
    return sheet
