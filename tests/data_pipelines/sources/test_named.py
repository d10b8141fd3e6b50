"""Data sets by name: found where they are published to lie, test images kept apart."""

import gzip
import struct

import numpy as np
import pytest
from drawings import make_folder

from data_pipelines import open_source, prepare
from data_pipelines.errors import DataError
from data_pipelines.sources.catalog import NAMED_SETS
from data_pipelines.sources.locations import Folder, Layout
from data_pipelines.sources.named import list_named, load, look, names
from data_pipelines.sources.npz import from_npz

RNG = np.random.default_rng(0)
IMAGES = {
    "train": RNG.integers(0, 256, (60, 28, 28), np.uint8),
    "test": RNG.integers(0, 256, (20, 28, 28), np.uint8),
}
LABELS = {split: np.arange(len(images)) % 10 for split, images in IMAGES.items()}


@pytest.fixture(autouse=True)
def root(monkeypatch, tmp_path):
    """An empty $KERASTPU_DATA, no data elsewhere, and a network where none answers."""
    monkeypatch.setenv("KERASTPU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERASTPU_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def write_idx(folder, dot="-", end=".gz"):
    folder.mkdir(parents=True)
    pack = gzip.compress if end else bytes
    for split, stem in {"train": "train", "test": "t10k"}.items():
        for kind, array in {"images": IMAGES[split], "labels": LABELS[split]}.items():
            sizes = struct.pack(f">{array.ndim}I", *array.shape)
            data = bytes([0, 0, 8, array.ndim]) + sizes + bytes(array.astype(np.uint8))
            name = f"{stem}-{kind}{dot}idx{array.ndim}-ubyte{end}"
            (folder / name).write_bytes(pack(data))


def write_npz(folder):
    folder.mkdir(parents=True)
    arrays = {f"x_{split}": images for split, images in IMAGES.items()}
    arrays |= {f"y_{split}": labels for split, labels in LABELS.items()}
    np.savez(folder / "mnist.npz", **arrays)


def write_csv(folder):
    folder.mkdir(parents=True)
    header = ",".join(["label", *(f"pixel{i}" for i in range(1, 785))])
    for split, images in IMAGES.items():
        rows = np.hstack([LABELS[split][:, None], images.reshape(len(images), -1)])
        np.savetxt(
            folder / f"fashion-mnist_{split}.csv",
            rows,
            "%d",
            delimiter=",",
            header=header,
            comments="",
        )


def fingerprint_of_idx(name, tmp_path, monkeypatch):
    write_idx(tmp_path / "expected" / name)
    with monkeypatch.context() as patched:
        patched.setenv("KERASTPU_DATA", str(tmp_path / "expected"))
        return load(name).fingerprint


@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_mnist_is_read_under_every_name_of_its_files(root, dot, end):
    write_idx(root / "mnist", dot, end)
    source = load("mnist", download=False)
    assert source.class_names == tuple("0123456789")
    assert source.name == str(root / "mnist")
    for split, images in IMAGES.items():
        found = [example for example in source.examples if example.split == split]
        assert [example.label for example in found] == LABELS[split].tolist()
        for example, image in zip(found, images, strict=True):
            assert example.read().endswith(image.tobytes())


def test_every_form_of_a_set_is_the_same_set(root, tmp_path, monkeypatch):
    expected = fingerprint_of_idx("mnist", tmp_path, monkeypatch)
    write_npz(root / "mnist")
    assert load("mnist").fingerprint == expected
    expected = fingerprint_of_idx("fashion_mnist", tmp_path, monkeypatch)
    write_csv(root / "fashion-mnist")
    source = load("fashion-mnist")
    assert source.fingerprint == expected
    assert (
        source.class_names[0] == "T-shirt/top" and source.class_names[9] == "Ankle boot"
    )


def test_keras_cache_comes_after_the_users_own_folder(root, tmp_path):
    write_npz(tmp_path / "keras" / "datasets")
    source = load("mnist")
    assert source.name == str(tmp_path / "keras" / "datasets" / "mnist.npz")
    assert f"$KERASTPU_DATA/mnist: no folder {root / 'mnist'}" in source.notes
    write_idx(root / "mnist")
    assert load("mnist").name == str(root / "mnist")


def test_a_damaged_set_is_passed_over_with_its_reason(root, tmp_path):
    write_npz(tmp_path / "keras" / "datasets")
    write_idx(root / "mnist")
    (root / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    source = load("mnist")
    assert source.name.endswith("mnist.npz")
    assert "none of t10k-labels-idx1-ubyte," in "\n".join(source.notes)


def test_official_test_images_are_the_test_split_of_the_shards(root, tmp_path):
    write_idx(root / "mnist")
    manifest = prepare(load("mnist"), tmp_path / "shards")
    counts = {name: sum(split.class_counts) for name, split in manifest.splits.items()}
    assert counts["test"] == 20
    assert counts["train"] + counts["validation"] == 60


def test_a_part_of_a_set_is_noted(root):
    write_idx(root / "mnist")
    assert load("mnist").notes == (f"{root / 'mnist'}: 80 of mnist's 70,000 images",)


@pytest.mark.parametrize("folder", ["cifar10", "cifar-10/cifar-10-batches-bin"])
def test_cifar10_is_read_from_its_binary_files(root, folder):
    (root / folder).mkdir(parents=True)
    record = RNG.integers(0, 256, 3073, np.uint8)
    for label, stem in enumerate(
        [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    ):
        record[0] = label
        (root / folder / f"{stem}.bin").write_bytes(record.tobytes())
    source = open_source("cifar-10", download=False)
    assert [(e.label, e.split) for e in source.examples] == [
        *((label, "train") for label in range(5)),
        (5, "test"),
    ]


def test_cifar10_as_class_folders_keeps_its_test_images(root):
    for split, count in {"train": 3, "test": 2}.items():
        make_folder(root / "cifar10" / split, {"cat": count, "dog": count})
    source = load("cifar10", download=False)
    assert source.class_names == ("cat", "dog")
    assert sum(example.split == "test" for example in source.examples) == 4


def test_pickles_are_never_read(root):
    (root / "cifar10" / "cifar-10-batches-py").mkdir(parents=True)
    (root / "cifar10" / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"cos\n")
    with pytest.raises(DataError, match="take the binary version"):
        load("cifar10", download=False)


@pytest.mark.parametrize(
    "folder", ["flowers", "flower_photos", "flowers/flower_photos"]
)
def test_flowers_are_found_as_the_archive_unpacks(root, folder):
    make_folder(root / folder, {"daisy": 2, "roses": 2})
    (root / folder / "LICENSE.txt").write_text("x")
    source = load("flowers", download=False)
    assert source.class_names == ("daisy", "roses")
    assert source.notes == ()


@pytest.mark.parametrize("name", ["flowers", "mnist", "cifar10"])
def test_what_is_nowhere_is_one_line_with_every_place(root, name):
    with pytest.raises(DataError) as caught:
        load(name)
    message = str(caught.value)
    assert "\n" not in message
    for place in look(name):
        assert f"{place.place}: {place.why}" in message
    assert f"no folder {root / name}" in message
    assert "Connection refused" in message
    with pytest.raises(DataError) as caught:
        load(name, download=False)
    assert "refused" not in str(caught.value)


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(DataError, match="known are flowers, mnist, fashion_mnist"):
        load("imagenet")


def test_a_folder_of_the_same_name_wins(root, tmp_path):
    write_idx(root / "mnist")
    assert open_source("mnist").name == str(root / "mnist")
    make_folder(tmp_path / "mnist", {"a": 2, "b": 2})
    assert open_source("mnist").class_names == ("a", "b")
    assert load("mnist").name == str(root / "mnist")


def test_the_list_says_of_every_name_whether_it_can_be_had(root):
    write_idx(root / "mnist")
    listed = {listing.name: listing for listing in list_named(network=False)}
    assert tuple(listed) == names() == tuple(NAMED_SETS)
    assert listed["mnist"].is_available and listed["rendered"].is_available
    assert not listed["cifar10"].is_available
    assert listed["mnist"].places[0].why == str(root / "mnist")
    (root / "cifar10").mkdir()
    (place, *_) = look("cifar10", network=False)
    assert not place.reachable and "none of data_batch_1.bin," in place.why


def test_rendered_is_a_name_too():
    assert load("rendered", num_rendered=10).is_synthetic


def test_a_folder_that_is_not_there_says_how_to_get_it(tmp_path):
    layouts = (Layout("*.bin", from_npz),)
    folder = Folder("/usr/share", lambda: tmp_path, ("x",), layouts, "install x")
    assert folder.look() == (
        "/usr/share/x",
        False,
        f"no folder {tmp_path / 'x'}; install x",
    )
    with pytest.raises(DataError, match="no folder"):
        folder.read()
