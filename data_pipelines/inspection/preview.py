"""Pictures of a data set to look at before training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data_pipelines import pixels
from data_pipelines.augment import Augment, augment_image, num_draws
from data_pipelines.errors import DataError

_GAP = 4
_TITLE_HEIGHT = 16
_FONT_SIZE = 12


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
    font = ImageFont.load_default(_FONT_SIZE)
    for position, image in enumerate(images):
        left = position % columns * width + _GAP
        top = position // columns * height + _GAP
        sheet.paste(Image.fromarray(image), (left, top))
        if titles is not None:
            # One line that can be drawn: names of folders may hold anything.
            text = " ".join(
                titles[position].encode("utf-8", "replace").decode().split()
            )
            while text and draw.textlength(text, font) > width - _GAP:
                text = text[:-1]
            draw.text((left, top + image.shape[0]), text, fill="black", font=font)
    return sheet


def augmentation_grid(
    images: Sequence[np.ndarray],
    augment: Augment,
    *,
    size: int,
    columns: int,
    seed: int,
    titles: Sequence[str] | None = None,
) -> Image.Image:
    """Lay out a row for each image: as evaluation sees it, then augmented variants.

    Mixup and cutmix need whole batches and are not shown.

    Args:
        images: uint8 (height, width, 3) each.
        augment: The policy.
        size: Side of each picture in pixels.
        columns: Augmented variants of each image, at least 1.
        seed: Of the variants.
        titles: One for each image, such as its class; None for none.

    Returns:
        RGB image.

    Raises:
        DataError: There is no image, no column, or not one title for each image.
    """
    if columns < 1:
        raise DataError(f"an augmentation grid needs at least 1 column, not {columns}")
    if titles is not None and len(titles) != len(images):
        raise DataError(f"{len(images)} images need as many titles, not {len(titles)}")
    cells, texts = [], []
    for row, image in enumerate(images):
        name = "original" if titles is None else titles[row]
        cells.append(pixels.center_image(image, size))
        texts.append(name)
        for column in range(columns):
            rng = np.random.default_rng([seed, row, column])
            draws = rng.random(num_draws(augment))
            cells.append(augment_image(image, size, augment, draws))
            texts.append(f"variant {column + 1}")
    return contact_sheet(cells, columns=columns + 1, titles=texts)
