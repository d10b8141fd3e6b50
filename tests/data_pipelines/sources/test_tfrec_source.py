"""Record files made elsewhere: what they hold is what comes, and damage is one line."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from drawings import draw, encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_files import CODELAB, TFDS, codelab_example, make_example, write_records

from data_pipelines import from_folder, load_manifest, prepare
from data_pipelines.class_order import align_classes
from data_pipelines.errors import DataError
from data_pipelines.shards.records import frame_record
from data_pipelines.shards.schema import parse_example
from data_pipelines.sources.tfrec_files import holds_records
from data_pipelines.sources.tfrec_source import from_tfrecords, read_unlabeled


@pytest.fixture(scope="session")
def images():
    return [encode(draw(seed), "JPEG") for seed in range(20)]


@pytest.fixture(scope="session")
def codelab(images, tmp_path_factory):
    """Twenty images in four files, named with their number of records."""
    folder = tmp_path_factory.mktemp("codelab")
    records = [codelab_example(image, i % 5) for i, image in enumerate(images)]
    for shard in range(4):
        start = 5 * shard
        write_records(folder / f"flowers{shard:02}-5.tfrec", records[start : start + 5])
    return folder


def test_the_codelabs_files_come_with_their_names_and_bytes(codelab, images):
    source = from_tfrecords(codelab)
    assert source.class_names == CODELAB
    assert source.kind == "tfrecords" and not source.notes
    assert [example.read() for example in source.examples] == images
    assert [example.label for example in source.examples] == [*range(5)] * 4
    assert len({example.name for example in source.examples}) == 20
    assert {example.split for example in source.examples} == {None}
    again = from_tfrecords(codelab / "*.tfrec")
    assert again.fingerprint == source.fingerprint
    assert len(from_tfrecords(codelab / "flowers00-5.tfrec").examples) == 5


def test_only_places_stay_in_memory(tmp_path):
    import tracemalloc

    big = [bytes(2**20) + bytes([i]) for i in range(12)]
    records = [codelab_example(image, i % 5) for i, image in enumerate(big)]
    write_records(tmp_path / "big.tfrec", records)
    del records
    from_tfrecords(tmp_path)  # what is imported and kept at first use is not counted
    tracemalloc.start()
    source = from_tfrecords(tmp_path)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2**18 and peak < 6 * 2**20
    assert [example.read() for example in source.examples] == big


def test_kaggles_split_folders_and_unlabeled_test_files(images, tmp_path):
    train = [
        make_example(**{"image": image, "class": i % 3, "id": f"id{i}".encode()})
        for i, image in enumerate(images)
    ]
    test = [make_example(image=images[i], id=f"t{i}".encode()) for i in range(4)]
    write_records(tmp_path / "train" / "00-512x512-12.tfrec", train[:12])
    write_records(tmp_path / "val" / "00-512x512-8.tfrec", train[12:])
    write_records(tmp_path / "test" / "00-512x512-4.tfrec", test)
    source = from_tfrecords(tmp_path)
    assert source.class_names == ("0", "1", "2")
    splits = [example.split for example in source.examples]
    assert splits == ["train"] * 12 + ["validation"] * 8
    assert [example.read() for example in source.examples] == images
    assert "numbers are used as names" in source.notes[0]
    assert "left out: test/00-512x512-4.tfrec" in source.notes[1]
    names = ("rose", "iris", "lotus")
    named = from_tfrecords(tmp_path, class_names=names)
    assert named.class_names == names and len(named.notes) == 1
    for folder in (tmp_path / "test", tmp_path / "test" / "*.tfrec"):
        found = list(read_unlabeled(folder))
        assert found == [(f"t{i}", images[i]) for i in range(4)]
        with pytest.raises(DataError, match="no record has a class"):
            from_tfrecords(folder)


def test_images_without_id_are_called_by_file_and_number(images, tmp_path):
    write_records(tmp_path / "a.tfrec", [make_example(image=images[0])])
    number = make_example(image=images[1], id=7)
    write_records(tmp_path / "b.tfrec", [number])
    found = list(read_unlabeled(tmp_path))
    assert found == [("a.tfrec/000000", images[0]), ("7", images[1])]


def test_our_own_shards_keep_their_splits_and_names(folder, manifest):
    source = from_tfrecords(manifest.directory)
    assert source.kind == "shards"
    assert source.class_names == manifest.class_names
    originals = {example.name: example for example in from_folder(folder).examples}
    assert {example.name for example in source.examples} == set(originals)
    for split in ("train", "validation", "test"):
        members = [e for e in source.examples if e.split == split]
        assert len(members) == manifest.num_examples(split)
    for example in source.examples:
        original = originals[example.name]
        assert (example.label, example.read()) == (original.label, original.read())


def test_shards_of_shards_have_the_same_splits(manifest, tmp_path):
    again = prepare(from_tfrecords(manifest.directory), tmp_path / "again")
    assert load_manifest(tmp_path / "again").content_sha256 == manifest.content_sha256
    for split in ("train", "validation", "test"):
        assert again.class_counts(split) == manifest.class_counts(split)


def test_files_of_tensorflow_datasets_are_read_as_they_lie(images, tmp_path):
    records = [make_example(image=image, label=i % 5) for i, image in enumerate(images)]
    for i, split in enumerate(("test", "train")):
        name = f"tf_flowers-{split}.tfrecord-00000-of-00001"
        write_records(tmp_path / name, records[10 * i : 10 * i + 10])
    source = from_tfrecords(tmp_path, class_names=TFDS)
    assert source.class_names == TFDS
    assert [e.split for e in source.examples] == ["test"] * 10 + ["train"] * 10
    assert [example.read() for example in source.examples] == images


def test_models_move_between_class_orders_by_name(codelab, images, tmp_path):
    """A model of the codelab's data, scored on TensorFlow Datasets' numbers."""
    numbers = [TFDS.index(CODELAB[i % 5]) for i in range(20)]
    records = [
        make_example(image=image, label=number)
        for image, number in zip(images, numbers, strict=True)
    ]
    write_records(tmp_path / "tf_flowers-train.tfrecord-00000-of-00001", records)
    ours = from_tfrecords(codelab)
    theirs = from_tfrecords(tmp_path, class_names=TFDS)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), 20)
    for i, example in enumerate(ours.examples):  # right on all images
        row = probabilities[i]
        best = row.argmax()
        row[[best, example.label]] = row[[example.label, best]]
    moved = probabilities[:, align_classes(ours.class_names, theirs.class_names)]
    for i, example in enumerate(theirs.examples):
        assert example.read() == ours.examples[i].read()
        assert moved[i].argmax() == example.label
        name = theirs.class_names[example.label]
        assert moved[i, example.label] == probabilities[i, CODELAB.index(name)]
    labels = np.array([example.label for example in theirs.examples])
    assert (probabilities.argmax(axis=1) != labels).any()  # by number it would be wrong


@given(names=st.lists(st.text(), unique=True, min_size=1), data=st.data())
def test_aligning_is_finding_each_name(names, data):
    wanted = data.draw(st.permutations(names))
    order = align_classes(names, wanted)
    assert [names[place] for place in order] == wanted


def test_classes_that_are_not_the_same_are_named():
    with pytest.raises(DataError, match="b not known to the model, c not in the data"):
        align_classes(("a", "c"), ("a", "b"))
    with pytest.raises(DataError, match="must differ"):
        align_classes(("a", "a"), ("a", "a"))


VALUES = st.one_of(
    st.lists(st.binary(max_size=9), max_size=3),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    st.lists(st.floats(width=32, allow_nan=False), max_size=3),
)


@given(fields=st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_fields_of_any_kind_come_as_tensorflow_wrote_them(fields):
    assert parse_example(make_example(**fields)) == fields


HOSTILE = {
    "no_class": ({"class": None}, "record 3 at byte [0-9]+: has no class"),
    "no_image": ({"image": None}, "record 3 at byte [0-9]+: field 'image' is missing"),
    "empty_image": ({"image": b""}, "field 'image' is missing or empty"),
    "int_image": ({"image": 7}, "field 'image' holds 1 int values; one bytes expected"),
    "bytes_class": ({"class": b"2"}, "field 'class' holds 1 bytes values; one int"),
    "two_classes": ({"class": [2, 3]}, "field 'class' holds 2 int values; one int"),
    "negative": ({"class": -1}, "class -1 is negative"),
    "huge": ({"class": 2**62, "one_hot_class": None}, "no record of class 4"),
    "one_hot": ({"class": 3}, "class 3 is not the one that one_hot_class marks"),
    "contradiction": ({"label": b"roses"}, "class 1 is called 'roses', 'dandelion' be"),
    "float_label": ({"label": 1.5}, "field 'label' holds 1 float values; one bytes or"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_wrong_record_is_named(name, images, tmp_path):
    changes, message = HOSTILE[name]
    number = 4 if name == "huge" else 1
    records = [codelab_example(image, i % 5) for i, image in enumerate(images[:4])]
    records.insert(3, codelab_example(images[5], number, **changes))
    write_records(tmp_path / "flowers.tfrec", records)
    with pytest.raises(DataError, match=message) as caught:
        from_tfrecords(tmp_path)
    assert "flowers.tfrec" in str(caught.value) or name == "huge"
    assert "\n" not in str(caught.value)


def test_classes_that_do_not_fit_are_refused(images, tmp_path):
    def refused(message, *numbers, names=None, class_names=None):
        labels = names or [None] * len(numbers)
        write_records(
            tmp_path / "x.tfrec",
            [
                make_example(
                    image=images[i],
                    **{"class": number, "label": [name] if name else []},
                )
                for i, (number, name) in enumerate(zip(numbers, labels, strict=True))
            ],
        )
        with pytest.raises(DataError, match=message):
            from_tfrecords(tmp_path, class_names=class_names)

    refused("no record of class 1, but of class 2", 0, 2)
    refused("class 2, but 2 class_names", 0, 1, 2, class_names="ab")
    refused("must be 2 or more different", 0, 1, class_names="aa")
    refused("must be 2 or more different", 0, 1, names=[b"a", b"a"])
    refused("must be 2 or more different", 0, 0)
    refused("no record names class 1", 0, 1, names=[b"a", None])
    refused(
        "class 0 is 'a' in the records, 'b'", 0, 1, names=[b"a", b"b"], class_names="ba"
    )


def test_the_count_in_a_name_is_checked(codelab, tmp_path):
    data = (codelab / "flowers00-5.tfrec").read_bytes()
    for name in ("flowers00-6.tfrec", "00-512x512-4.tfrec"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match="holds 5 records; by its name"):
            from_tfrecords(tmp_path / name)
    for name in ("part-3.tfrec", "flowers-192.tfrec", "train-00000-of-00016.tfrec"):
        (tmp_path / name).write_bytes(data)
        assert len(from_tfrecords(tmp_path / name).examples) == 5


def test_files_in_and_beside_split_folders_are_refused(codelab, tmp_path):
    for name in ("train/a.tfrec", "test/b.tfrec"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes((codelab / "flowers00-5.tfrec").read_bytes())
    splits = {example.split for example in from_tfrecords(tmp_path).examples}
    assert splits == {"train", "test"}
    assert {e.split for e in from_tfrecords(tmp_path / "train").examples} == {None}
    (tmp_path / "c.tfrec").write_bytes(b"")
    with pytest.raises(DataError, match=r"in split folders .*but not .*c\.tfrec"):
        from_tfrecords(tmp_path)


def test_what_is_not_there_is_one_line(tmp_path):
    for pattern in (tmp_path, tmp_path / "*.tfrec", tmp_path / "absent.tfrec"):
        with pytest.raises(DataError, match=r"no \.tfrec or \.tfrecord file found"):
            from_tfrecords(pattern)


def test_files_for_records_are_told_from_folders_of_images(codelab, folder, manifest):
    assert holds_records(codelab) and holds_records(manifest.directory)
    assert holds_records(codelab / "*.tfrec") and holds_records("x/y.tfrecord")
    assert holds_records("tf_flowers-train.tfrecord-00000-of-00002")
    assert not holds_records(folder) and not holds_records("x/y.csv")


def test_every_cut_of_a_file_is_told(codelab, tmp_path):
    data = (codelab / "flowers00-5.tfrec").read_bytes()
    cut_file = tmp_path / "flowers00-5.tfrec"
    for length in itertools.chain(range(0, 200), range(200, len(data), 97)):
        cut_file.write_bytes(data[:length])
        with pytest.raises(DataError, match=r"flowers00-5\.tfrec"):
            from_tfrecords(cut_file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_records_of_any_bytes_give_a_source_or_one_line(codelab, tmp_path, data):
    """Valid framing around damaged examples: checksums do not help there."""
    examples = [codelab_example(b"image", i) for i in range(2)]
    damaged = bytearray(examples[0])
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))
    path = Path(tmp_path / "damaged.tfrec")
    path.write_bytes(b"".join(map(frame_record, [*examples, bytes(damaged)])))
    try:
        source = from_tfrecords(path)
    except DataError as error:
        assert "\n" not in str(error) and "damaged.tfrec" in str(error)
    else:
        assert all(example.read() for example in source.examples)


def test_a_file_that_changes_later_is_noticed(codelab, tmp_path):
    path = tmp_path / "x.tfrec"
    path.write_bytes((codelab / "flowers00-5.tfrec").read_bytes())
    source = from_tfrecords(path)
    path.write_bytes((codelab / "flowers01-5.tfrec").read_bytes())
    with pytest.raises(DataError, match=r"x.tfrec: record 0 at byte 0: has changed"):
        source.examples[0].read()
    path.unlink()
    with pytest.raises(DataError, match="No such file"):
        source.examples[0].read()


@pytest.mark.parametrize("name", ["photos-2024-05.tfrec", "scan2024-12-31.tfrec"])
def test_a_date_in_a_name_is_no_count(tmp_path, name):
    records = [codelab_example(encode(draw(i), "PNG"), i) for i in range(5)]
    write_records(tmp_path / name, records)
    assert len(from_tfrecords(tmp_path / name).examples) == 5
