"""The example schema: a round trip changes nothing, and TensorFlow reads the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.errors import DataError
from data_pipelines.shards.schema import Record, decode_example, encode_example

RECORDS = st.builds(
    Record,
    image=st.binary(max_size=100),
    label=st.integers(0, 2**31 - 1),
    class_name=st.text(max_size=20),
    height=st.integers(1, 2**20),
    width=st.integers(1, 2**20),
    name=st.text(max_size=20),
)


@given(record=RECORDS)
def test_decoding_gives_back_what_was_encoded(record):
    assert decode_example(encode_example(record)) == record


def test_file_names_that_are_not_utf8_survive():
    record = Record(b"", 0, "caf\udce9", 1, 1, "caf\udce9/\udcff.jpg")
    assert decode_example(encode_example(record)) == record


@given(record=RECORDS)
def test_tensorflow_parses_the_same_values(record):
    import tensorflow as tf

    parsed = tf.io.parse_single_example(
        encode_example(record),
        {
            "image": tf.io.FixedLenFeature([], tf.string),
            "class": tf.io.FixedLenFeature([], tf.int64),
            "label": tf.io.FixedLenFeature([], tf.string),
            "size": tf.io.FixedLenFeature([2], tf.int64),
            "name": tf.io.FixedLenFeature([], tf.string),
        },
    )
    assert parsed["image"].numpy() == record.image
    assert parsed["class"].numpy() == record.label
    assert parsed["label"].numpy().decode() == record.class_name
    assert parsed["size"].numpy().tolist() == [record.height, record.width]
    assert parsed["name"].numpy().decode() == record.name


def test_bytes_are_those_that_tensorflow_writes():
    import tensorflow as tf

    record = Record(b"\xff\xd8", 3, "rose", 20, 30, "rose/1.jpg")
    theirs = tf.train.Example.FromString(encode_example(record))
    assert decode_example(theirs.SerializeToString()) == record
    assert set(theirs.features.feature) == {"image", "class", "label", "size", "name"}


@given(data=st.binary(max_size=200))
def test_junk_is_refused_and_nothing_else_happens(data):
    with pytest.raises(DataError):
        decode_example(data)


@given(record=RECORDS, data=st.data())
def test_a_damaged_example_never_raises_anything_else(record, data):
    encoded = bytearray(encode_example(record))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] = data.draw(st.integers(0, 255))
    try:
        decode_example(bytes(encoded))
    except DataError as error:
        assert "\n" not in str(error)


def test_a_missing_field_is_named():
    import tensorflow as tf

    message = tf.train.Example.FromString(
        encode_example(Record(b"", 0, "a", 1, 1, "n"))
    )
    del message.features.feature["size"]
    with pytest.raises(DataError, match="'size' is missing"):
        decode_example(message.SerializeToString())
