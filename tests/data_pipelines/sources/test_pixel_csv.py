"""Kaggle's tables of pixels: read exactly, and every fault named with its line."""

import numpy as np
import pytest

from data_pipelines.errors import DataError
from data_pipelines.sources.pixel_csv import read_pixel_csv

HEADER = ",".join(["label", *(f"pixel{i}" for i in range(1, 785))])
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 28, 28), np.uint8)
LABELS = RNG.integers(0, 10, 5, np.uint8)
ROWS = [
    ",".join(map(str, [label, *image.ravel()]))
    for label, image in zip(LABELS, IMAGES, strict=True)
]


def write(path, lines, end="\n"):
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_is_written_is_read(tmp_path, end):
    path = write(tmp_path / "a.csv", [HEADER, *ROWS, ""], end)
    images, labels = read_pixel_csv(path, 10)
    assert images.dtype == labels.dtype == np.uint8
    assert np.array_equal(images, IMAGES)
    assert np.array_equal(labels, LABELS)


def test_the_last_line_may_lack_its_end(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *ROWS]))
    assert np.array_equal(read_pixel_csv(path, 10)[0], IMAGES)


def with_field(column, text):
    fields = ROWS[2].split(",")
    fields[column] = text
    return ",".join(fields)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (ROWS[2] + ",0", "786 columns; expected 785"),
        (ROWS[2].rpartition(",")[0], "784 columns"),
        (with_field(3, "256"), "pixel3 must be an integer 0..255; got b'256'"),
        (with_field(3, "-1"), "pixel3 .* got b'-1'"),
        (with_field(3, "3.7"), "pixel3 .* got b'3.7'"),
        (with_field(3, "70000"), "pixel3 .* got b'70000'"),
        (with_field(784, ""), "pixel784 .* got b''"),
        (with_field(9, "nan"), "pixel9 .* got b'nan'"),
        (with_field(9, "é"), "pixel9"),
        (with_field(0, "10"), "label must be an integer 0..9; got b'10'"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    path = write(tmp_path / "a.csv", [HEADER, *ROWS[:2], line, *ROWS[3:]])
    with pytest.raises(DataError, match=rf"a\.csv: line 4: {message}") as caught:
        read_pixel_csv(path, 10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["", "label,pixel1", ROWS[0], HEADER + ",pixel785"])
def test_another_table_is_refused(tmp_path, line):
    path = write(tmp_path / "a.csv", [line, *ROWS])
    with pytest.raises(DataError, match=r"a\.csv: line 1: expected label,pixel1"):
        read_pixel_csv(path, 10)


def test_no_rows_and_no_file_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.csv: no image after line 1"):
        read_pixel_csv(write(tmp_path / "a.csv", [HEADER]), 10)
    with pytest.raises(DataError, match="no such file"):
        read_pixel_csv(tmp_path / "b.csv", 10)
