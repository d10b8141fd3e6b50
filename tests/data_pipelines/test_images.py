"""Images: what is kept, what is converted and to which pixels, what is refused."""

import os
import struct
import time
import zlib

import numpy as np
import pytest
from drawings import draw, encode
from PIL import Image, ImageOps

from data_pipelines.errors import DataError
from data_pipelines.images import decode_rgb, identify, normalize, read_file

ORANGE = (230, 120, 20)


def flat(mode: str, color) -> Image.Image:
    return Image.new(mode, (20, 10), color)


def with_orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(100)))
    end = chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + end


@pytest.mark.parametrize(
    "data",
    [
        encode(draw(1), "JPEG"),
        encode(draw(1), "JPEG", progressive=True),
        encode(draw(1).convert("L"), "JPEG"),
        encode(draw(1), "JPEG", exif=with_orientation(1)),
        encode(draw(1), "PNG"),
        encode(draw(1).convert("L"), "PNG"),
    ],
    ids=["rgb", "progressive", "gray", "upright", "png", "gray-png"],
)
def test_plain_images_are_kept_byte_for_byte(data):
    image = normalize(data, "x")
    assert (image.data, image.height, image.width) == (data, 40, 48)


SIXTEEN_BITS = Image.fromarray(np.full((10, 20), 200 * 257, np.uint16))
CONVERTED = {
    "cmyk": (encode(flat("CMYK", (0, 128, 255, 0)), "JPEG"), (255, 127, 0), "JPEG"),
    "palette": (encode(flat("RGB", ORANGE).quantize(2), "PNG"), ORANGE, "PNG"),
    "alpha": (encode(flat("RGBA", (255, 0, 0, 128)), "PNG"), (255, 127, 127), "PNG"),
    "gray-alpha": (encode(flat("LA", (0, 0)), "PNG"), (255, 255, 255), "PNG"),
    "color-key": (
        encode(flat("RGB", ORANGE), "PNG", transparency=ORANGE),
        (255, 255, 255),
        "PNG",
    ),
    "16-bit": (encode(SIXTEEN_BITS, "PNG"), (200, 200, 200), "PNG"),
    "16-bit-pgm": (
        b"P5 20 10 65535\n" + struct.pack(">H", 200 * 257) * 200,
        (200, 200, 200),
        "PNG",
    ),
    "1-bit": (encode(flat("1", 1), "PNG"), (255, 255, 255), "PNG"),
    "gif": (
        encode(
            flat("RGB", ORANGE),
            "GIF",
            save_all=True,
            append_images=[flat("RGB", "blue")],
        ),
        ORANGE,
        "PNG",
    ),
    "apng": (
        encode(
            flat("RGB", ORANGE),
            "PNG",
            save_all=True,
            append_images=[flat("RGB", "blue")],
        ),
        ORANGE,
        "PNG",
    ),
    "bmp": (encode(flat("RGB", ORANGE), "BMP"), ORANGE, "PNG"),
    "webp": (encode(flat("RGB", ORANGE), "WEBP"), ORANGE, "JPEG"),
    "webp-lossless": (
        encode(flat("RGB", ORANGE), "WEBP", lossless=True),
        ORANGE,
        "PNG",
    ),
    "ppm": (encode(flat("RGB", ORANGE), "PPM"), ORANGE, "PNG"),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_other_images_become_plain_ones_of_the_same_color(name):
    data, color, kind = CONVERTED[name]
    image = normalize(data, name)
    assert identify(image.data) == kind
    assert normalize(image.data, name) == image  # it is plain now
    pixels = np.asarray(decode_rgb(image.data, name)).astype(int)
    assert pixels.shape == (image.height, image.width, 3) == (10, 20, 3)
    assert np.abs(pixels - color).max() <= (6 if kind == "JPEG" else 0)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_is_applied_to_the_pixels(orientation, kind):
    data = encode(draw(2), kind, exif=with_orientation(orientation))
    turned = ImageOps.exif_transpose(decode_source(data))
    image = normalize(data, "x")
    assert (image.width, image.height) == turned.size
    difference = np.asarray(decode_rgb(image.data, "x"), int) - np.asarray(turned)
    assert np.abs(difference).mean() < (3 if kind == "JPEG" else 1e-9)


def decode_source(data: bytes) -> Image.Image:
    import io

    return Image.open(io.BytesIO(data))


def test_arrays_survive_without_loss():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    image = normalize(encode(Image.fromarray(pixels), "PPM"), "x")
    assert np.array_equal(np.asarray(decode_rgb(image.data, "x")), pixels)


def test_resizing_fills_the_square_and_keeps_the_center():
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    image = normalize(encode(wide, "PNG"), "x", image_size=50)
    assert (image.height, image.width) == (50, 50)
    assert (np.asarray(decode_rgb(image.data, "x")) == (0, 0, 255)).all()


@pytest.mark.parametrize("data", [b"", b"hello, I am a text", b"\x00" * 50])
def test_what_is_no_image_is_refused_by_name(data):
    with pytest.raises(DataError, match=r"^roses/1.jpg: (empty file|not an image)"):
        normalize(data, "roses/1.jpg")


@pytest.mark.parametrize(
    "data",
    [encode(draw(3, 12, 12), kind) for kind in ("JPEG", "PNG", "WEBP", "BMP", "PPM")],
    ids=["JPEG", "PNG", "WEBP", "BMP", "PPM"],
)
def test_every_cut_is_detected(data):
    for length in range(len(data)):
        with pytest.raises(DataError, match=r"^x: ") as caught:
            normalize(data[:length], "x")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF"])
def test_a_huge_image_is_refused_by_its_header(kind):
    size = struct.pack("<ii", 20_000, 20_000)
    bmp = bytearray(encode(draw(0), "BMP"))
    bmp[18:26] = size
    gif = bytearray(encode(draw(0), "GIF"))
    gif[6:10] = struct.pack("<HH", 20_000, 20_000)
    data = {"PNG": png_header(20_000, 20_000), "BMP": bytes(bmp), "GIF": bytes(gif)}
    start = time.perf_counter()
    with pytest.raises(DataError, match="20,000 x 20,000 pixels"):
        normalize(data[kind], "big")
    assert time.perf_counter() - start < 0.5


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    with pytest.raises(DataError, match=r"^a/loop.jpg: cannot be read: "):
        read_file(loop, "a/loop.jpg")
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=r"^pipe: not a regular file"):
        read_file(pipe, "pipe")


@pytest.mark.skipif(
    os.geteuid() == 0, reason="runs as root, whom permissions do not stop"
)
def test_a_file_without_permission_is_named(tmp_path):
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(DataError, match=r"^secret.jpg: cannot be read: Permission"):
        read_file(path, "secret.jpg")
