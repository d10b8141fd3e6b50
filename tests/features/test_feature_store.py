"""A file of features is whole or not there, and costs no row twice."""

import errno
import logging
import threading

import numpy as np
import pytest

from kerastpu.errors import KerastpuError
from kerastpu.features import rows
from kerastpu.features import store as feature_store

NUM_ROWS, STEP, SHAPE = 23, 4, (2, 3)
ROWS = np.random.default_rng(0).normal(size=(NUM_ROWS, *SHAPE)).astype("float32")


class Killed(BaseException):
    """Stands for the end of a process."""


def make_source(starts, killed_after=None, size=3):
    """Returns `rows_from`; it notes where it was asked to start."""

    def rows_from(start):
        starts.append(start)
        for first in range(start, NUM_ROWS, size):
            if killed_after is not None and first >= killed_after:
                raise Killed
            yield ROWS[first : first + size]

    return rows_from


def make_store(folder, dtype="float32"):
    return feature_store.FeatureStore(folder / "features", SHAPE, dtype)


def write(store, rows_from):
    return store.write("view", NUM_ROWS, rows_from, step=STEP)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_was_written_is_read_and_not_computed_again(tmp_path, dtype):
    starts, store = [], make_store(tmp_path, dtype)
    assert store.open("view", NUM_ROWS) is None
    first, second = (write(store, make_source(starts)) for _ in range(2))
    np.testing.assert_array_equal(first, ROWS.astype(dtype))
    np.testing.assert_array_equal(second, first)
    assert isinstance(second, np.memmap) and not second.flags.writeable
    assert starts == [0]
    assert [path.name for path in store.folder.iterdir()] == ["view.npy"]


@pytest.mark.parametrize("killed_after", [0, 1, 4, 5, 12, 21])
def test_a_killed_run_is_gone_on_with_at_a_whole_step(tmp_path, killed_after):
    write(make_store(tmp_path / "whole"), make_source([]))
    starts, store = [], make_store(tmp_path)
    with pytest.raises(Killed):
        write(store, make_source(starts, killed_after))
    assert store.open("view", NUM_ROWS) is None
    write(store, make_source(starts))
    done = -(-killed_after // 3) * 3
    assert starts == [0, done - done % STEP]
    whole = make_store(tmp_path / "whole").path("view").read_bytes()
    assert store.path("view").read_bytes() == whole


@pytest.mark.parametrize("num_bytes", [0, 1, 100, 128, 129, 151, 152, 300])
def test_a_file_that_ends_anywhere_is_gone_on_with(tmp_path, num_bytes):
    store = make_store(tmp_path)
    write(store, make_source([]))
    content = store.path("view").read_bytes()
    store.path("view").unlink()
    store.path("view").with_suffix(".npy.part").write_bytes(content[:num_bytes])
    write(store, make_source([]))
    assert store.path("view").read_bytes() == content


def test_a_file_of_other_features_is_begun_anew(tmp_path):
    other = feature_store.FeatureStore(tmp_path / "features", (5,), "float32")
    with pytest.raises(Killed):
        write(other, make_source([], killed_after=0))
    np.testing.assert_array_equal(write(make_store(tmp_path), make_source([])), ROWS)


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_a_damaged_file_is_made_anew_with_a_word(tmp_path, caplog, damage):
    store = make_store(tmp_path)
    write(store, make_source([]))
    content = store.path("view").read_bytes()
    store.path("view").write_bytes(content[:-1] if damage is None else damage)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(write(store, make_source([])), ROWS)
    assert "view.npy is damaged and made anew" in caplog.text


def test_of_two_writers_one_computes_and_the_other_waits(tmp_path):
    starts, found, store = [], [], make_store(tmp_path)
    is_begun = threading.Event()

    def slow(start):
        for row in make_source(starts)(start):
            is_begun.set()
            yield row

    first = threading.Thread(target=lambda: found.append(write(store, slow)))
    first.start()
    assert is_begun.wait(timeout=60)
    found.append(write(store, slow))
    first.join(timeout=60)
    np.testing.assert_array_equal(*found)
    assert starts == [0]


def test_numbers_that_the_dtype_cannot_hold_are_refused(tmp_path):
    store = make_store(tmp_path, "float16")
    with pytest.raises(KerastpuError, match=r"not finite .* float16; use float32"):
        write(store, lambda start: iter([ROWS * 1e6]))
    with pytest.raises(KerastpuError, match=r"not finite numbers in float16$"):
        write(store, lambda start: iter([ROWS * np.nan]))


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "features").write_text("a file")
    with pytest.raises(
        KerastpuError, match=r"features cannot be written to .*features"
    ):
        write(make_store(tmp_path), make_source([]))


def test_a_disk_that_is_too_small_is_told_before_the_work(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(feature_store.shutil, "disk_usage", lambda path: usage)
    starts = []
    with pytest.raises(KerastpuError, match=r"need 0 MiB in .*; 0 MiB are free"):
        write(make_store(tmp_path), make_source(starts))
    assert not starts


def test_an_error_of_the_images_stays_what_it_is(tmp_path):
    def rows_from(start):
        yield ROWS[:4]
        raise OSError(errno.EIO, "the camera is gone")

    with pytest.raises(OSError, match="the camera is gone"):
        write(make_store(tmp_path), rows_from)


def test_stacked_rows_are_those_of_one_array():
    parts = [ROWS[:10], ROWS[10:11], ROWS[11:]]
    stacked = rows.StackedRows(parts)
    numbers = np.random.default_rng(1).integers(0, NUM_ROWS, 50)
    np.testing.assert_array_equal(stacked[numbers], ROWS[numbers])
    assert (len(stacked), stacked.shape, stacked.dtype) == (
        NUM_ROWS,
        ROWS.shape,
        ROWS.dtype,
    )


def test_only_what_is_small_beside_the_memory_is_read_into_it(monkeypatch):
    parts = [ROWS[:10], ROWS[10:]]
    np.testing.assert_array_equal(rows.stack(parts), ROWS)
    monkeypatch.setattr(rows.doctor, "memory_bytes", lambda: 3 * ROWS.nbytes)
    assert isinstance(rows.stack(parts), rows.StackedRows)
