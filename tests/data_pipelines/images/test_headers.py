"""What headers tell without decoding: what decoders find."""

import struct

from drawings import draw, encode
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.images.headers import has_end, has_one_scan, identify, read_size

JPEG, PNG = encode(draw(1), "JPEG"), encode(draw(1), "PNG")
THUMBNAIL = encode(draw(0, 8, 9), "JPEG")
WITH_THUMBNAIL = (
    JPEG[:2]
    + b"\xff\xe1"
    + struct.pack(">H", len(THUMBNAIL) + 2)
    + THUMBNAIL
    + JPEG[2:]
)


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    options=st.sampled_from(
        [
            ("PNG", {}),
            ("JPEG", {}),
            ("JPEG", {"progressive": True}),
            ("JPEG", {"restart_marker_blocks": 1}),
            ("JPEG", {"comment": b"\xff\xc0\x00\x11\x08" + bytes(99)}),
            ("JPEG", {"icc_profile": bytes(70_000)}),
        ]
    ),
)
def test_size_and_end_are_those_of_the_image(height, width, options):
    kind, options = options
    data = encode(draw(1, height, width), kind, **options)
    assert identify(data) == kind
    assert read_size(data) == (height, width)
    assert has_end(data) and not has_end(data[:-2])
    if kind == "JPEG":
        assert has_one_scan(data) != ("progressive" in options)


def test_a_thumbnail_inside_and_a_film_behind_do_not_count():
    assert read_size(WITH_THUMBNAIL) == (40, 48)
    assert has_end(WITH_THUMBNAIL) and not has_end(WITH_THUMBNAIL[:-2])
    film = JPEG + b"\xff\xda\x00\x08" + bytes(99)
    assert has_end(film) and has_one_scan(film)


@given(data=st.binary(max_size=99), start=st.sampled_from([b"", JPEG[:3], PNG[:8]]))
def test_junk_has_no_size_or_some(data, start):
    size = read_size(start + data)
    assert size is None or len(size) == 2
    assert has_end(start + data) in (True, False)
