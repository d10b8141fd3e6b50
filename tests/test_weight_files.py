"""Files of weights: what was saved comes back, what does not fit changes nothing."""

import logging
import re
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerastpu import models, pretrained
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.pretrained import probe

SHAPE = (32, 32, 3)
NETWORK = "squeezenet"


def build(num_classes=3, **options):
    return models.build(NETWORK, input_shape=SHAPE, num_classes=num_classes, **options)


@pytest.fixture(scope="module")
def original():
    """A network whose weights are nowhere 0 or 1."""
    model = build()
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 0.9, w.shape) for w in model.weights])
    return model


def save_as_keras2(model, path, name=str):
    """Writes weights as Keras 2 did; `name` changes the names of the layers."""
    with h5py.File(path, "w") as file:
        layers = [layer for layer in model.layers if layer.weights]
        file.attrs["layer_names"] = np.array([name(x.name).encode() for x in layers])
        for layer in layers:
            group = file.create_group(name(layer.name))
            keys = [f"{name(layer.name)}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = np.array([key.encode() for key in keys])
            for key, weight in zip(keys, layer.get_weights(), strict=True):
                group.create_dataset(key, data=weight)


def save_without_names(model, path):
    """Writes weights as the first Keras 3 did, which knew layers by their kind only."""
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        for group in file["layers"].values():
            del group["vars"].attrs["name"]


FORMATS = {
    "keras3.weights.h5": lambda model, path: model.save_weights(path),
    "kinds.weights.h5": save_without_names,
    "model.keras": lambda model, path: model.save(path),
    "model.h5": lambda model, path: model.save(path),
    "keras2.h5": save_as_keras2,
    "slash.h5": lambda model, path: save_as_keras2(
        model, path, lambda name: name.replace("_", "/", 1)
    ),
    "other_names.h5": lambda model, path: save_as_keras2(model, path, "old_{}".format),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_weights_back(name, original, tmp_path):
    FORMATS[name](original, tmp_path / name)
    loaded = build(weights=tmp_path / name)
    for found, expected in zip(
        loaded.get_weights(), original.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_a_classifier_for_other_classes_stays_random_and_is_reported(
    original, tmp_path, caplog
):
    path = tmp_path / "three.weights.h5"
    original.save_weights(path)
    with caplog.at_level(logging.INFO, "kerastpu"):
        loaded = build(num_classes=5, weights=str(path))
    assert f"{path}: its classifier is for 3 classes; one for 5 starts" in caplog.text
    bare = build(include_top=False, weights=str(path))
    for model, weights in ((loaded, loaded.weights[:-2]), (bare, bare.weights)):
        assert len(weights) == len(original.weights) - 2, model.name
        for found, expected in zip(weights, original.weights[:-2], strict=True):
            np.testing.assert_array_equal(found, expected)
    kernel, bias = loaded.get_layer("probabilities").get_weights()
    assert kernel.shape[1] == 5 and not bias.any()


def drop_layer(file, name):
    del file[f"layers/{name}"]


def add_layer(file, name):
    file.copy(f"layers/{name}", f"layers/{name}_99")
    file[f"layers/{name}_99/vars"].attrs["name"] = "stranger"


def reshape(file, name):
    del file[f"layers/{name}/vars/0"]
    file[f"layers/{name}/vars/0"] = np.zeros((5, 5, 3, 32), np.float32)


def link_outside(file, name):
    del file[f"layers/{name}/vars/0"]
    file[f"layers/{name}/vars/0"] = h5py.ExternalLink("other.h5", "/secret")


def claim_much(file, name):
    del file[f"layers/{name}/vars/0"]
    file.create_dataset(f"layers/{name}/vars/0", (1 << 20, 1 << 20), np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_layer, r"holds no layer 'conv\S*'; of the \d+ layers .*, 1 are missing"),
        (add_layer, "holds layers that the model has not: stranger"),
        (
            reshape,
            r"layer conv\S*: kernel has shape \(3, 3, 3, 32\), and \(5, 5, 3, 32",
        ),
        (link_outside, "0 is a link, or is not there"),
        (claim_much, r"0 claims to hold 4,398,046,511,104 bytes"),
    ],
)
def test_what_does_not_fit_is_one_line_and_changes_nothing(
    change, message, original, tmp_path
):
    path = tmp_path / "bad.weights.h5"
    original.save_weights(path)
    with h5py.File(path, "a") as file:
        change(file, "conv2d")
    model = build()
    before = model.get_weights()
    with pytest.raises(KerastpuError, match=re.escape(f"{path}: ") + message) as caught:
        pretrained.load_file(model, path)
    assert "\n" not in str(caught.value)
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_weights_of_another_network_are_refused(original, tmp_path):
    path = tmp_path / "other.keras"
    models.build("convnet", input_shape=SHAPE, num_classes=3).save(path)
    with pytest.raises(KerastpuError, match=r"other\.keras: holds no layer '\w+'; of"):
        build(weights=str(path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.h5", b"these are no weights", "not a file of weights"),
        ("empty.h5", b"", "not a file of weights"),
        ("text.keras", b"PK, but not really", "not a file of weights"),
    ],
)
def test_another_kind_of_file_is_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(KerastpuError, match=f"{name}: {message}") as caught:
        build(weights=str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_missing_files_folders_archives_and_names_are_refused(tmp_path):
    (tmp_path / "folder.h5").mkdir()
    with zipfile.ZipFile(tmp_path / "no.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    for weights, message in {
        "absent.h5": "absent.h5: no such file",
        "folder.h5": "folder.h5: is a folder",
        "no.keras": "no.keras: not a file of weights .*model.weights.h5",
        "data.h5": "data.h5: an HDF5 file, but not with weights of a Keras model",
    }.items():
        with pytest.raises(KerastpuError, match=message):
            build(weights=str(tmp_path / weights))
    with pytest.raises(UsageError, match=r"weights must be None or a file \(.*'noisy'"):
        build(weights="noisy")


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    """The smallest file of weights, and where to put changed copies of it."""
    folder = tmp_path_factory.mktemp("fuzz")
    image = keras.Input((2,))
    model = keras.Model(image, keras.layers.Dense(2, name="probabilities")(image))
    save_as_keras2(model, folder / "small.h5")
    model.save(folder / "small.keras")
    return folder


def assert_is_read_or_refused(path):
    try:
        probe.check(path)
    except KerastpuError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)


def _fuzz(num_examples):
    @settings(max_examples=num_examples, deadline=None)
    @given(
        kind=st.sampled_from(["h5", "keras"]),
        place=st.floats(0, 1),
        change=st.binary(min_size=1, max_size=16),
        is_cut=st.booleans(),
    )
    def run(folder, kind, place, change, is_cut):
        content = bytearray((folder / f"small.{kind}").read_bytes())
        start = int(place * (len(content) - 1))
        content[start : None if is_cut else start + len(change)] = change
        (folder / f"bad.{kind}").write_bytes(content)
        assert_is_read_or_refused(folder / f"bad.{kind}")

    return run


def test_changed_and_cut_files_are_read_or_refused(small_file):
    _fuzz(10)(small_file)


@pytest.mark.slow
def test_many_changed_and_cut_files_are_read_or_refused(small_file):
    _fuzz(200)(small_file)


def test_a_file_that_the_library_reads_for_ever_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "endless.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["first", "second"]  # of any length: in a heap
    content = bytearray(path.read_bytes())
    start = content.index(b"GCOL") + 16  # its first objects: no number, no length
    content[start : start + 32] = bytes(32)
    path.write_bytes(content)
    monkeypatch.setattr(probe, "_SECONDS", 3)
    with pytest.raises(KerastpuError, match=r"endless\.h5: damaged: .* to no end"):
        build(weights=str(path))
