"""What the writer is asked for: sizes, quality, shards, and memory that stays flat."""

import functools
import tracemalloc

import numpy as np
import pytest
from drawings import draw
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_pipelines import Example, Source, from_folder, prepare, verify
from data_pipelines.errors import DataError
from data_pipelines.shards.records import read_records
from data_pipelines.shards.schema import decode_example
from data_pipelines.shards.writer import SHARD_BYTES, count_shards


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({"image_size": 16}, {(16, 16)}),
        ({"short_side": 16}, {(16, 21), (16, 19), (17, 16), (16, 16)}),
    ],
)
def test_images_are_stored_in_the_size_that_was_asked_for(tmp_path, settings, sizes):
    root = tmp_path / "in"
    for label, name in enumerate("ab"):
        (root / name).mkdir(parents=True)
        for i, shape in enumerate([(30, 40), (33, 39), (40, 38), (16, 16)] * 5):
            draw(40 * label + i, *shape).save(root / name / f"{i}.jpg")
    small = prepare(from_folder(root), tmp_path / "out", **settings)
    records = [
        decode_example(data)
        for split in small.splits
        for path in small.shard_paths(split)
        for _, data in read_records(path)
    ]
    assert {(record.height, record.width) for record in records} == sizes
    assert small.settings().items() >= settings.items()
    verify(small, decode=True)
    for record in records:
        content = (root / record.name).read_bytes()
        is_small = Image.open(root / record.name).size == (16, 16)
        # What is small enough is kept, byte for byte; a square is always made anew.
        assert (record.image == content) == (is_small and "short_side" in settings)


def test_quality_is_that_of_what_is_encoded_again(folder, tmp_path):
    def num_bytes(quality, **settings):
        out = tmp_path / f"{quality}-{len(settings)}"
        made = prepare(from_folder(folder), out, quality=quality, **settings)
        return sum(shard.num_bytes for shard in made.splits["train"].shards)

    assert num_bytes(20, short_side=24) < num_bytes(None, short_side=24)
    assert num_bytes(20) == num_bytes(None)  # all are kept as they are


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 0}, "image_size must be >= 1 pixel or None; got 0"),
        ({"image_size": 10**6}, "image_size .* got 1000000"),
        ({"short_side": 0}, "short_side must be >= 1 pixel or None; got 0"),
        ({"quality": 0}, "quality must be 1..100 or None; got 0"),
        ({"quality": 101}, "quality must be 1..100 or None; got 101"),
        ({"image_size": 8, "short_side": 8}, "only one of them can be given"),
    ],
)
def test_impossible_settings_are_refused(folder, tmp_path, settings, message):
    with pytest.raises(DataError, match=message):
        prepare(from_folder(folder), tmp_path / "out", **settings)
    assert not list(tmp_path.iterdir())


@given(
    split=st.sampled_from(["train", "validation", "test"]),
    num_examples=st.integers(0, 10**7),
    num_bytes=st.integers(0, 10**13),
)
def test_shards_are_many_enough_and_not_too_large(split, num_examples, num_bytes):
    count = count_shards(split, num_examples, num_bytes)
    assert count <= num_examples
    if count < num_examples:
        assert count >= (16 if split == "train" else 4)
        assert num_bytes / count <= SHARD_BYTES


def test_memory_does_not_grow_with_the_data(tmp_path):
    def peak(count):
        random = np.random.default_rng(count)
        draws = [random.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(8)]

        def read(number):  # 12 KB, all different
            pixels = np.roll(draws[number % 8], number, axis=0)
            return b"P6 64 64 255\n" + pixels.tobytes()

        examples = tuple(
            Example(f"{i:04}", i % 2, functools.partial(read, i)) for i in range(count)
        )
        source = Source("test", "noise", ("a", "b"), examples, str(count))
        tracemalloc.start()
        prepare(source, tmp_path / str(count))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(10)  # imports
    growth = peak(600) - peak(300)
    assert growth < 300 * 2_000  # of 12 KB each
