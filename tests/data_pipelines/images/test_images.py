"""Images: what is kept byte for byte, what is converted, and to which pixels."""

import io

import cv2
import numpy as np
import pytest
from drawings import draw, encode
from PIL import Image, ImageOps

from data_pipelines import pixels
from data_pipelines.images.normalize import decode_rgb, identify, normalize

RGB = np.random.default_rng(0).integers(0, 256, (10, 20, 3), np.uint8)
GRAY, ALPHA = RGB[..., 0], RGB[..., 1]
RED = np.full((10, 20, 3), (255, 0, 0), np.uint8)
SMOOTH = np.asarray(draw(7, 120, 144))


def png(image, **options):
    return encode(Image.fromarray(image), "PNG", **options)


def as_rgb(gray):
    return np.repeat(gray[..., None], 3, axis=2)


def over_white(color, alpha):
    share = alpha[..., None] / 255
    return np.round(color * share + 255 * (1 - share)).astype(np.uint8)


def with_orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


KEPT = {
    "jpeg": encode(draw(1), "JPEG"),
    "progressive": encode(draw(1), "JPEG", progressive=True),
    "restarts": encode(draw(1), "JPEG", restart_marker_rows=1),
    "no-subsampling": encode(draw(1), "JPEG", subsampling=0),
    "rgb-inside": encode(draw(1), "JPEG", keep_rgb=True),
    "gray-jpeg": encode(draw(1).convert("L"), "JPEG"),
    "upright": encode(draw(1), "JPEG", exif=with_orientation(1)),
    "film-appended": encode(draw(1), "JPEG") + b"film\xff\xda\x00\x08" + bytes(40),
    "png": encode(draw(1), "PNG"),
    "gray-png": encode(draw(1).convert("L"), "PNG"),
}


@pytest.mark.parametrize("name", KEPT)
def test_plain_images_are_kept_and_read_the_same_by_all(name):
    image = normalize(KEPT[name], name)
    assert (image.data, image.height, image.width) == (KEPT[name], 40, 48)
    read = pixels.decode(image.data, name).astype(int)
    with Image.open(io.BytesIO(KEPT[name])) as reference:
        difference = np.abs(read - np.asarray(reference.convert("RGB")))
    # JPEG decoders may round differently.
    assert difference.max() <= (0 if "png" in name else 3)


WIDE = RGB.astype(np.uint16) * 257  # 16 bits that mean the same as the 8
PALETTE = Image.fromarray(RGB).quantize(16)
FEW_COLORS = np.asarray(PALETTE.convert("RGB"))
ANIMATED = {"save_all": True, "append_images": [Image.fromarray(RED)]}
TRANSPARENT = Image.fromarray(GRAY // 64).convert("P")
TRANSPARENT.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
SEEN = np.array([(255,) * 3, (255, 0, 0), (0, 255, 0), (0, 0, 255)], np.uint8)
# name: encoded, pixels to be had, format stored
CONVERTED = {
    "cmyk": (
        encode(Image.new("CMYK", (20, 10), (0, 255, 255, 0)), "JPEG"),
        RED,
        "JPEG",
    ),
    "palette": (encode(PALETTE, "PNG"), FEW_COLORS, "PNG"),
    "alpha": (png(np.dstack([RGB, ALPHA])), over_white(RGB, ALPHA), "PNG"),
    "gray-alpha": (
        encode(Image.merge("LA", [*map(Image.fromarray, (GRAY, ALPHA))]), "PNG"),
        over_white(as_rgb(GRAY), ALPHA),
        "PNG",
    ),
    "color-key": (png(RED, transparency=(255, 0, 0)), RED | 255, "PNG"),
    "16-bit": (png(WIDE[..., 0]), as_rgb(GRAY), "PNG"),
    "16-bit-rgb": (cv2.imencode(".png", WIDE[..., ::-1])[1].tobytes(), RGB, "PNG"),
    "16-bit-pgm": (
        b"P5 20 10 65535\n" + WIDE[..., 0].astype(">u2").tobytes(),
        as_rgb(GRAY),
        "PNG",
    ),
    "16-bit-ppm": (
        b"P6 20 10 65535\n" + WIDE.astype(">u2").tobytes(),
        RGB,
        "PNG",
    ),
    "1-bit": (png(GRAY > 127), as_rgb((GRAY > 127) * np.uint8(255)), "PNG"),
    "gif": (encode(PALETTE, "GIF", **ANIMATED), FEW_COLORS, "PNG"),
    "gif-transparent": (
        encode(TRANSPARENT, "GIF", transparency=0),
        SEEN[GRAY // 64],
        "PNG",
    ),
    "apng": (png(RGB, **ANIMATED), RGB, "PNG"),
    "bmp": (encode(Image.fromarray(RGB), "BMP"), RGB, "PNG"),
    "bmp-gray": (encode(Image.fromarray(GRAY), "BMP"), as_rgb(GRAY), "PNG"),
    "webp": (encode(Image.fromarray(SMOOTH), "WEBP", quality=95), SMOOTH, "JPEG"),
    "webp-lossless": (
        encode(Image.fromarray(RGB), "WEBP", lossless=True, **ANIMATED),
        RGB,
        "PNG",
    ),
    "webp-alpha": (
        encode(
            Image.fromarray(np.dstack([RGB, ALPHA])), "WEBP", lossless=True, exact=True
        ),
        over_white(RGB, ALPHA),
        "PNG",
    ),
    "ppm": (encode(Image.fromarray(RGB), "PPM"), RGB, "PNG"),
    "pgm": (encode(Image.fromarray(GRAY), "PPM"), as_rgb(GRAY), "PNG"),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_other_images_become_plain_ones_of_the_same_pixels(name):
    data, expected, kind = CONVERTED[name]
    image = normalize(data, name)
    assert identify(image.data) == kind
    assert normalize(image.data, name) == image  # it is plain now
    read = pixels.decode(image.data, name)
    assert read.shape == (image.height, image.width, 3) == expected.shape
    difference = np.abs(read.astype(int) - expected)
    if kind == "JPEG":
        assert difference.mean() < 4
    else:
        assert difference.max() <= int("alpha" in name)  # blending may round
        assert np.array_equal(np.asarray(decode_rgb(data, name)), read)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied_to_the_pixels(orientation, kind):
    exif = with_orientation(orientation)
    data = encode(draw(2), kind, exif=exif, lossless=True, quality=95)
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    image = normalize(data, "x")
    assert (image.width, image.height) == turned.size
    difference = pixels.decode(image.data, "x").astype(int) - np.asarray(turned)
    assert np.abs(difference).mean() < (3 if kind == "JPEG" else 1e-9)


def test_resizing_fills_the_square_and_keeps_the_center():
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    image = normalize(encode(wide, "PNG"), "x", image_size=50)
    assert (image.height, image.width) == (50, 50)
    assert (pixels.decode(image.data, "x") == (0, 0, 255)).all()


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [
        ((300, 100), 50, (150, 50)),
        ((99, 301), 33, (33, 100)),
        ((50, 80), 50, (50, 80)),
        ((20, 30), 50, (20, 30)),
        ((60_000, 2), 1, (30_000, 1)),
    ],
)
def test_the_shorter_side_shrinks_and_never_grows(size, short_side, expected):
    stripes = np.zeros((size[1], size[0], 3), np.uint8)
    stripes[:, ::2] = 255
    image = normalize(png(stripes), "x", short_side=short_side)
    assert (image.width, image.height) == expected
    if expected != size:  # averaged: a sample of one pixel would be black or white
        middle = pixels.decode(image.data, "x")[:, 2:-2].astype(int)
        assert np.abs(middle - 127).max() < 70


def test_quality_is_that_of_the_jpeg():
    data = encode(draw(3, 90, 90), "JPEG", quality=100)
    sizes = [
        len(normalize(data, "x", short_side=60, quality=quality).data)
        for quality in (30, 60, 95)
    ]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2] / 1.5
    default = normalize(data, "x", short_side=60).data
    assert len(default) == sizes[2]
