"""A checkpoint is whole or is not used; what cannot be written harms no other."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from kerastpu.errors import KerastpuError
from kerastpu.resuming import trees
from kerastpu.resuming.checkpoints import Checkpoints

NUMBERS = st.one_of(
    arrays_of.integer_dtypes(endianness="="),
    arrays_of.unsigned_integer_dtypes(endianness="="),
    arrays_of.floating_dtypes(endianness="=", sizes=(16, 32, 64)),
)
ARRAYS = arrays_of.arrays(
    NUMBERS, arrays_of.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=3)
)
LEAVES = st.one_of(st.none(), st.floats(), st.integers(), st.text(), ARRAYS)
NAMES = st.text(max_size=5)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)


def assert_same(left, right):
    assert type(left) is type(right)
    if isinstance(left, dict):
        assert list(left) == list(right)
        left, right = left.values(), right.values()
    if isinstance(left, np.ndarray):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        assert left.tobytes() == right.tobytes()
    elif isinstance(left, (float, int, str, type(None))):
        assert repr(left) == repr(right)
    else:
        for mine, yours in zip(left, right, strict=True):
            assert_same(mine, yours)


@settings(deadline=None, max_examples=60)
@given(TREES)
def test_every_bit_comes_back(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("trees") / "tree.npz"
    trees.save(path, tree)
    assert_same(trees.load(path), tree)


def test_what_would_have_to_be_pickled_is_refused(tmp_path):
    for value in (np.array([object()]), object(), {1, 2}):
        with pytest.raises(TypeError, match="cannot be kept"):
            trees.save(tmp_path / "tree.npz", {"a": value})
    assert not list(tmp_path.iterdir())


def tree_of(step):
    return {"step": step, "weights": [np.arange(50.0) + step]}


@pytest.fixture
def kept(tmp_path):
    """Checkpoints of steps 1 to 4, of which two are left."""
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for step in range(1, 5):
        checkpoints.write(step, tree_of(step))
    return checkpoints


def test_newest_of_two_is_taken(kept):
    assert len(list(kept.folder.iterdir())) == 2
    assert_same(kept.newest(), tree_of(4))
    assert Checkpoints(kept.folder.parent / "none").newest() is None
    kept.remove()
    assert not kept.folder.exists()
    kept.remove()


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_damage_anywhere_is_noticed_and_the_one_before_is_taken(tmp_path_factory, data):
    checkpoints = Checkpoints(tmp_path_factory.mktemp("run") / "checkpoints")
    checkpoints.write(1, tree_of(1))
    newest = checkpoints.write(2, tree_of(2))
    content = bytearray(newest.read_bytes())
    if data.draw(st.booleans(), "cut"):
        content = content[: data.draw(st.integers(0, len(content) - 1), "length")]
    else:
        content[data.draw(st.integers(0, len(content) - 1), "byte")] ^= 1 << data.draw(
            st.integers(0, 7), "bit"
        )
    newest.write_bytes(content)
    assert_same(checkpoints.newest(), tree_of(1))
    checkpoints.write(2, tree_of(2))
    assert_same(checkpoints.newest(), tree_of(2))


def test_all_damaged_is_to_begin_anew(kept, caplog):
    for path in kept.folder.iterdir():
        path.write_bytes(b"")
    assert kept.newest() is None
    assert caplog.text.count("is damaged") == 2


FULL_DISK = """
import resource, sys, json
from pathlib import Path
import numpy as np
from kerastpu import metrics_file
from kerastpu.errors import KerastpuError
from kerastpu.resuming.checkpoints import Checkpoints
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
checkpoints = Checkpoints(Path(sys.argv[1]))
try:
    checkpoints.write(9, {"weights": np.zeros(10_000)})
except KerastpuError as error:
    print(json.dumps(str(error)))
print(json.dumps(checkpoints.newest()["step"]))
try:
    metrics_file.write(Path("metrics.csv"), [{"loss": 0.5}] * 1000)
except OSError as error:
    print(json.dumps([error.strerror, error.filename]))
"""


def test_full_disk_leaves_the_good_ones(kept, tmp_path):
    """A limit on the size of files stands for the full disk."""
    before = sorted(kept.folder.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(kept.folder)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    message, step, other = map(json.loads, done.stdout.splitlines())
    assert "File too large" in message and "step-000000004" in message
    assert step == 4
    assert other == ["File too large", "metrics.csv"]
    assert sorted(kept.folder.iterdir()) == before


def test_vanished_folder_is_one_clear_line(kept, tmp_path):
    kept.remove()
    kept.write(5, tree_of(5))  # its own folder it makes again
    gone = Checkpoints(tmp_path / "gone" / "checkpoints")
    with pytest.raises(KerastpuError, match=r"gone/checkpoints: No such file.*none"):
        gone.write(1, tree_of(1))
