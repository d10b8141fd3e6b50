"""A contact sheet: one row for every class, its name beside a few of its images."""

from collections import Counter
from collections.abc import Iterable, Iterator

from PIL import Image, ImageDraw, ImageFont

from data_pipelines.errors import DataError
from data_pipelines.images.normalize import decode_rgb
from data_pipelines.images.resize import fill_resize_center_crop
from data_pipelines.inspection.picking import pick_evenly
from data_pipelines.sources.source import Example, Source

MAX_CLASSES = 50
_GAP = 6
_FONT_SIZE = 17
_MAX_TITLE_WIDTH = 260
_GRAY = "#555555"


def class_sheet(
    source: Source, *, num_columns: int = 8, cell_size: int = 112
) -> Image.Image:
    """Returns a white RGB sheet of images chosen evenly over each class.

    Files that are no good images are passed over. Of more than `MAX_CLASSES` classes
    the first are shown, and a line tells how many are not.

    Args:
        source: Where the images are.
        num_columns: Images in a row.
        cell_size: Side in pixels of the centered squares that are shown.
    """
    counts = Counter(example.label for example in source.examples)
    font = ImageFont.load_default(_FONT_SIZE)
    titles = [_fit(name, font) for name in source.class_names[:MAX_CLASSES]]
    num_hidden = len(source.class_names) - len(titles)
    left = 3 * _GAP + int(max(map(font.getlength, (*titles, "00,000 images"))))
    pitch = cell_size + _GAP
    height = len(titles) * pitch + _GAP + (4 * _GAP if num_hidden else 0)
    sheet = Image.new("RGB", (left + num_columns * pitch, height), "white")
    draw = ImageDraw.Draw(sheet)
    for label, examples in list(pick_evenly(source, num_columns).items())[:MAX_CLASSES]:
        top = label * pitch + _GAP
        middle = top + cell_size // 2
        draw.text((_GAP, middle), titles[label], "black", font, anchor="ls")
        text = f"{counts[label]:,} images"
        draw.text((_GAP, middle + _GAP), text, _GRAY, font, anchor="lt")
        for column, cell in enumerate(_squares(examples, cell_size)):
            sheet.paste(cell, (left + column * pitch, top))
    if num_hidden:
        text = f"and {num_hidden:,} more classes"
        draw.text((_GAP, height - _GAP), text, _GRAY, font, anchor="ls")
    return sheet


def _squares(examples: Iterable[Example], size: int) -> Iterator[Image.Image]:
    for example in examples:
        try:
            image = decode_rgb(example.read(), example.name)
        except DataError:
            continue  # an inspection lists it
        yield fill_resize_center_crop(image, size, antialias=True)


def _fit(name: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """Returns one line of text, shortened where it is wider than a title may be."""
    # A folder's name need not be text, and may hold line breaks.
    text = " ".join(name.encode("utf-8", "replace").decode().split())
    if font.getlength(text) <= _MAX_TITLE_WIDTH:
        return text
    while font.getlength(text + "...") > _MAX_TITLE_WIDTH:
        text = text[:-1]
    return text + "..."
