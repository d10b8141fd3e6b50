"""The pixels of batches against their Pillow references."""

import numpy as np
import pytest
from drawings import draw, encode
from PIL import Image

from data_pipelines import pixels
from data_pipelines.errors import DataError
from data_pipelines.images.normalize import decode_rgb
from data_pipelines.images.resize import crop_resize, fill_resize_center_crop

SIZES = [(40, 48, 32), (48, 40, 32), (33, 90, 32), (20, 15, 32), (200, 300, 32)]


def difference(found, expected):
    assert found.dtype == np.uint8 and found.shape == np.shape(expected)
    return np.abs(found.astype(int) - np.asarray(expected)).max()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_decoding_gives_three_channels_of_the_same_pixels(kind, mode):
    data = encode(draw(0).convert(mode), kind)
    # Decoders of JPEG may differ in the last bits; of PNG they may not.
    limit = 4 if kind == "JPEG" else 0
    assert difference(pixels.decode(data, "x"), decode_rgb(data, "x")) <= limit


def test_a_stale_orientation_does_not_turn_an_image():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(draw(0, 20, 30), "JPEG", exif=exif)
    assert pixels.decode(data, "x").shape == (20, 30, 3)


@pytest.mark.parametrize("data", [b"", b"text", encode(draw(0), "JPEG")[:60]])
def test_what_does_not_decode_is_one_line_with_the_name(data):
    with pytest.raises(DataError, match=r"^photo 7: does not decode"):
        pixels.decode(data, "photo 7")


@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_the_center_is_that_of_pillow_within_one_level(height, width, size):
    image = draw(1, height, width)
    found = pixels.center_image(np.asarray(image), size)
    assert difference(found, fill_resize_center_crop(image, size)) <= 1


@pytest.mark.parametrize("box", [(0, 0, 20, 30), (5, 7, 43, 33), (10, 3, 1, 1)])
def test_a_crop_is_that_of_pillow_within_one_level(box):
    image, (left, top, width, height) = draw(2), box
    found = pixels.crop_resize(np.asarray(image), box, 24)
    corners = (left, top, left + width, top + height)
    assert difference(found, crop_resize(image, corners, 24)) <= 1


def test_a_square_of_the_right_size_is_kept_bit_for_bit():
    image = np.asarray(draw(3, 32, 40))
    assert np.array_equal(pixels.center_image(image, 32), image[:, 4:36])


def test_results_are_written_where_they_are_wanted():
    batch = np.zeros((2, 16, 16, 3), np.uint8)
    image = np.asarray(draw(3))
    pixels.center_image(image, 16, batch[1])
    assert not batch[0].any()
    assert np.array_equal(batch[1], pixels.center_image(image, 16))
