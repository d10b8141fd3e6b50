"""HDF5 files listed: what is in them by its path, however they were spoiled."""

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerastpu.errors import KerastpuError
from kerastpu.pretrained import probe
from kerastpu.weight_tables import hdf5_tree


@pytest.fixture
def example(tmp_path):
    """A file that has everything that a file may have."""
    path = tmp_path / "example.h5"
    with h5py.File(path, "w") as file:
        file.attrs["title"] = "an example"
        group = file.create_group("runs/first")
        group.attrs["rate"] = 0.5
        group.attrs["names"] = np.array([b"a", b"b"])
        group.attrs["long"] = np.zeros(2_000)
        group.attrs["nothing"] = h5py.Empty("f")
        series = np.arange(1000, dtype="float64")
        group.create_dataset("series", data=series, compression="gzip", chunks=True)
        group["small"] = np.ones((2, 3), "uint8")
        file["empty"] = h5py.Empty("int32")
        file["alias"] = h5py.SoftLink("/runs/first/small")
        file["outside"] = h5py.ExternalLink("/etc/secret.h5", "/x")
        file["same"] = file["runs"]
        file["type"] = np.dtype("int16")
    return path


def by_path(path):
    return {entry.path: entry for entry in hdf5_tree.list_entries(path)}


def test_everything_is_listed_by_its_path(example):
    found = by_path(example)
    assert set(found) == {
        *("/", "/runs", "/runs/first", "/runs/first/series", "/runs/first/small"),
        *("/empty", "/alias", "/outside", "/same", "/type"),
    }
    assert found["/"].attributes == {"title": "an example"}
    series = found["/runs/first/series"]
    assert (series.kind, series.shape, series.dtype) == ("dataset", (1000,), "float64")
    assert (series.num_bytes, series.compression) == (8000, "gzip")
    assert 0 < series.stored_bytes < 8000
    attributes = found["/runs/first"].attributes
    assert attributes["rate"] == 0.5
    assert attributes["names"] == ["a", "b"]
    assert attributes["long"] == "float64 (2000,)"
    assert (found["/empty"].shape, found["/empty"].num_bytes) == (None, 0)
    assert found["/alias"].target == "/runs/first/small"
    assert found["/outside"].target == "/etc/secret.h5:/x"
    # Of two names of one group, the first has what is in it.
    assert (found["/runs"].kind, found["/same"].kind) == ("group", "link")
    assert found["/same"].target == "/runs"
    assert found["/type"].kind == "type"


def test_the_text_has_a_line_for_each_and_the_sums(example):
    lines = hdf5_tree.text(hdf5_tree.list_entries(example)).splitlines()
    (series,) = (line.split() for line in lines if "/series " in line)
    assert series[1:5] == ["dataset", "(1000,)", "float64", "8,000"]
    assert any("-> /etc/secret.h5:/x" in line for line in lines)
    assert "3 datasets: 8.0 kB" in lines[-1]


def test_files_of_keras_are_listed_whole(tmp_path):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, name="last")])
    model.save_weights(tmp_path / "a.weights.h5")
    model.save(tmp_path / "a.keras")
    for name in ("a.weights.h5", "a.keras"):
        found = by_path(tmp_path / name)
        arrays = [entry for entry in found.values() if entry.kind == "dataset"]
        assert sorted(entry.shape for entry in arrays) == [(3,), (5, 3)]
        assert sum(entry.num_bytes for entry in arrays) == 4 * model.count_params()


def test_a_group_inside_of_itself_is_listed_once(tmp_path):
    with h5py.File(tmp_path / "loop.h5", "w") as file:
        file["a/b/c"] = np.zeros(3)
        file["a/b/back"] = file["a"]
        file["a/b/root"] = file["/"]
    found = by_path(tmp_path / "loop.h5")
    assert found["/a/b/back"].target == "/a"
    assert found["/a/b/root"].target == "/"
    assert len(found) == 6


def test_deep_files_are_listed(tmp_path):
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        group = file
        for _ in range(1500):
            group = group.create_group("d")
        group["end"] = np.zeros(1)
    found = by_path(tmp_path / "deep.h5")
    assert found["/" + "d/" * 1500 + "end"].num_bytes == 8


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a file"), (b"\x89HDF\r\n\x1a\n" + bytes(99), "not a file|damaged")],
)
def test_other_files_are_refused_in_one_line(content, message, tmp_path):
    path = tmp_path / "bad.h5"
    path.write_bytes(content)
    with pytest.raises(KerastpuError, match=message) as caught:
        hdf5_tree.list_entries(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    with pytest.raises(KerastpuError, match="no such file"):
        hdf5_tree.list_entries(tmp_path / "absent.h5")
    with pytest.raises(KerastpuError, match="is a folder"):
        hdf5_tree.list_entries(tmp_path)


def test_more_objects_than_anybody_reads_are_refused(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for number in range(50):
            file.create_group(str(number))
    monkeypatch.setattr(hdf5_tree, "_MOST_ENTRIES", 40)
    monkeypatch.setattr(probe, "run", lambda module, path: hdf5_tree.read(str(path)))
    with pytest.raises(SystemExit):
        hdf5_tree.list_entries(tmp_path / "many.h5")


def _fuzz(num_examples):
    @settings(max_examples=num_examples, deadline=None)
    @given(
        place=st.floats(0, 1),
        change=st.binary(min_size=1, max_size=16),
        is_cut=st.booleans(),
    )
    def run(whole, place, change, is_cut):
        content = bytearray(whole.read_bytes())
        start = int(place * (len(content) - 1))
        content[start : None if is_cut else start + len(change)] = change
        bad = whole.with_name("bad.h5")
        bad.write_bytes(content)
        try:
            hdf5_tree.text(hdf5_tree.list_entries(bad))
        except KerastpuError as error:
            assert str(error).startswith(f"{bad}: ") and "\n" not in str(error)

    return run


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "whole.h5"
    with h5py.File(path, "w") as file:
        file.attrs["names"] = ["first", "second"]
        file.create_dataset("a/b", data=np.arange(20), compression="gzip")
    return path


def test_changed_files_are_listed_or_refused(small_file):
    _fuzz(3)(small_file)


@pytest.mark.slow
def test_many_changed_files_are_listed_or_refused(small_file):
    _fuzz(200)(small_file)
