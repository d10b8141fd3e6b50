"""idx files: what is written is read; what is cut, changed or hostile is refused."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from data_pipelines.errors import DataError
from data_pipelines.sources.idx import read_idx

ARRAYS = arrays_of.arrays(
    np.uint8, arrays_of.array_shapes(min_dims=1, max_dims=4, max_side=5)
)
PACK = {"plain": bytes, "gzip": gzip.compress}


def encode(array: np.ndarray) -> bytes:
    """The format as its page describes it."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "images-idx"


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
@given(array=ARRAYS)
def test_what_is_written_is_read(path, pack, array):
    path.write_bytes(pack(encode(array)))
    found = read_idx(path)
    assert found.dtype == np.uint8
    assert np.array_equal(found, array)


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
@given(array=ARRAYS, data=st.data())
def test_every_cut_is_refused(path, pack, array, data):
    whole = pack(encode(array))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(DataError, match="images-idx: "):
        read_idx(path)


@given(array=ARRAYS, data=st.data())
def test_every_changed_byte_of_the_header_is_refused(path, array, data):
    changed = bytearray(encode(array))
    where = data.draw(st.integers(0, 3 + 4 * array.ndim))
    changed[where] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    with pytest.raises(DataError, match="images-idx: "):
        read_idx(path)


@given(array=ARRAYS, more=st.binary(min_size=1, max_size=9))
def test_what_follows_the_values_is_refused(path, array, more):
    path.write_bytes(encode(array) + more)
    with pytest.raises(DataError, match="more follow"):
        read_idx(path)


@given(start=st.sampled_from([b"", b"\0\0\x08\x01", b"\x1f\x8b\x08"]), end=st.binary())
def test_any_bytes_are_read_or_refused(path, start, end):
    path.write_bytes(start + end)
    try:
        assert read_idx(path).size
    except DataError as error:
        assert "\n" not in str(error)


@given(array=ARRAYS, data=st.data())
def test_a_damaged_gzip_file_is_read_right_or_refused(path, array, data):
    changed = bytearray(gzip.compress(encode(array)))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    path.write_bytes(changed)
    try:
        assert np.array_equal(read_idx(path), array)  # only the file's date is changed
    except DataError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
@pytest.mark.parametrize("shape", [(2**32 - 1,) * 4, (2**31, 1), (100_000,), (0, 28)])
def test_a_hostile_size_is_refused_before_memory_is_taken(path, pack, shape):
    path.write_bytes(
        pack(bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape))
    )
    tracemalloc.start()
    with pytest.raises(DataError, match="claims"):
        read_idx(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("kind", [0x09, 0x0B, 0x0C, 0x0D, 0x0E])
def test_other_types_of_values_are_refused_by_name(path, kind):
    path.write_bytes(bytes([0, 0, kind, 1, 0, 0, 0, 1]) + bytes(8))
    with pytest.raises(DataError, match=f"type 0x{kind:02x}; only 0x08"):
        read_idx(path)


def test_no_file_and_a_folder_are_one_line(tmp_path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(DataError, match="no such file"):
            read_idx(path)
