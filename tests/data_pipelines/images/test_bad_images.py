"""Images that cannot be used: refused by name, in one line, before they do harm."""

import os
import struct
import time

import pytest
from drawings import draw, encode
from mutations import png_of

from data_pipelines.errors import DataError
from data_pipelines.images.normalize import normalize, read_file


@pytest.mark.parametrize("data", [b"", b"hello, I am a text", b"\x00" * 50])
def test_what_is_no_image_is_refused_by_name(data):
    with pytest.raises(DataError, match=r"^roses/1.jpg: (empty file|not an image)"):
        normalize(data, "roses/1.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "PPM"])
def test_every_cut_is_detected(kind):
    data = encode(draw(3, 12, 12), kind)
    for length in range(len(data)):
        with pytest.raises(DataError, match=r"^x: ") as caught:
            normalize(data[:length], "x")
        assert "\n" not in str(caught.value)


PHOTO, THUMBNAIL = encode(draw(1), "JPEG"), encode(draw(0, 8, 8), "JPEG")
EXIF = b"\xff\xe1" + struct.pack(">H", len(THUMBNAIL) + 2) + THUMBNAIL
DAMAGED = {
    "pixels-missing": png_of(20, 10, b"".join(b"\0" + bytes(60) for _ in range(9))),
    "palette-missing": png_of(20, 10, bytes(210), color_type=3),
    "end-of-thumbnail-only": PHOTO[:2] + EXIF + PHOTO[2:-2],
    "second-frame": PHOTO[:-2] + PHOTO[2:],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_some_decoders_forgive_is_refused(name):
    with pytest.raises(DataError, match=r"^x: (truncated or damaged|does not decode)"):
        normalize(DAMAGED[name], "x")


BMP, GIF = encode(draw(0), "BMP"), encode(draw(0), "GIF")
HUGE = struct.pack("<ii", 20_000, 20_000)
TOO_LARGE = {
    "PNG": png_of(20_000, 20_000, bytes(100)),
    "PNG-long": png_of(1, 65_501, bytes(4 * 65_501)),
    "BMP": BMP[:18] + HUGE + BMP[26:],
    "GIF": GIF[:6] + struct.pack("<HH", 20_000, 20_000) + GIF[10:],
    "PPM": b"P6 20000 20000 255\n" + bytes(99),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_huge_image_is_refused_by_its_header(name):
    start = time.perf_counter()
    with pytest.raises(DataError, match=r" pixels; at most 65,500 per side and"):
        normalize(TOO_LARGE[name], "big")
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


def test_a_jpeg_of_thousands_of_scans_is_refused_at_once():
    data = encode(draw(0, 64, 64).convert("L"), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    start = time.monotonic()
    with pytest.raises(DataError, match="x: more than 100 scans in a JPEG"):
        normalize(data[:last] + data[last:-2] * 5000 + data[-2:], "x")
    assert time.monotonic() - start < 5
    normalize(data, "x")
