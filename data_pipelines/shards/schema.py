"""What one stored example holds, and its coding as a `tf.train.Example`.

The protocol buffer is built from its published field numbers in a private pool, so
shards are written, checked and read without TensorFlow, and TensorFlow parses them.
"""

import functools
from dataclasses import dataclass
from typing import Any

from data_pipelines.errors import DataError

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Record:
    """One stored example.

    Attributes:
        image: Encoded image, JPEG or 8-bit PNG.
        label: Class number, 0..number of classes - 1.
        class_name: The class's name, so that a record says what it shows by itself.
        height: Image height in pixels.
        width: Image width in pixels.
        name: Unique name of the example in its source.
    """

    image: bytes
    label: int
    class_name: str
    height: int
    width: int
    name: str


def encode_example(record: Record) -> bytes:
    """Returns `record` as a serialized `tf.train.Example`.

    Fields: image (bytes), class (int64), label (bytes, the class name), size (int64[2]:
    height, width), name (bytes).
    """
    example = _example_class()()
    feature = example.features.feature
    feature["image"].bytes_list.value.append(record.image)
    feature["class"].int64_list.value.append(record.label)
    feature["label"].bytes_list.value.append(_to_bytes(record.class_name))
    feature["size"].int64_list.value.extend((record.height, record.width))
    feature["name"].bytes_list.value.append(_to_bytes(record.name))
    return example.SerializeToString(deterministic=True)


def decode_example(data: bytes) -> Record:
    """Returns the record in a serialized `tf.train.Example`.

    Raises:
        DataError: `data` is not an Example or lacks a field of the schema.
    """
    fields = parse_example(data)
    (image,) = _values(fields, "image", bytes, 1)
    (label,) = _values(fields, "class", int, 1)
    (class_name,) = _values(fields, "label", bytes, 1)
    height, width = _values(fields, "size", int, 2)
    (name,) = _values(fields, "name", bytes, 1)
    return Record(
        image, label, _to_text(class_name), height, width, name=_to_text(name)
    )


def parse_example(data: bytes) -> dict[str, list[Any]]:
    """Returns the fields of any serialized `tf.train.Example`.

    Returns:
        For every field a list of bytes, of int (64 bits, signed) or of float, or an
        empty list.

    Raises:
        DataError: `data` is not an Example.
    """
    from google.protobuf.message import DecodeError

    try:
        features = _example_class().FromString(data).features.feature
    except (DecodeError, UnicodeDecodeError) as error:
        raise DataError("not a tf.train.Example") from error
    kinds = {name: features[name].WhichOneof("kind") for name in features}
    return {
        name: list(getattr(features[name], kind).value) if kind else []
        for name, kind in kinds.items()
    }


def _values(
    fields: dict[str, list[Any]], name: str, kind: type, count: int
) -> list[Any]:
    if name not in fields:
        raise DataError(f"field {name!r} is missing; fields are {sorted(fields)}")
    values = fields[name]
    if len(values) != count or not all(isinstance(value, kind) for value in values):
        found = f"{len(values)} {type(values[0]).__name__}" if values else "no"
        raise DataError(
            f"field {name!r} holds {found} values; {count} {kind.__name__} expected"
        )
    return values


def _to_bytes(text: str) -> bytes:
    # File names need not be valid UTF-8; Python's escapes keep them exact.
    return text.encode("utf-8", "surrogateescape")


def _to_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# tensorflow/core/example/{feature,example}.proto: message -> (field, number, type).
# A type with a dot is a message; a star means repeated.
_MESSAGES = {
    "BytesList": [("value", 1, "*BYTES")],
    "FloatList": [("value", 1, "*FLOAT")],
    "Int64List": [("value", 1, "*INT64")],
    "Feature": [
        ("bytes_list", 1, ".BytesList"),
        ("float_list", 2, ".FloatList"),
        ("int64_list", 3, ".Int64List"),
    ],
    "Features": [("feature", 1, "*.Features.FeatureEntry")],
    "Features.FeatureEntry": [("key", 1, "STRING"), ("value", 2, ".Feature")],
    "Example": [("features", 1, ".Features")],
}


@functools.cache
def _example_class() -> Any:
    """Returns the class of tf.train.Example messages, from a pool of its own."""
    # Imported here: protobuf takes longer to import than all of data_pipelines.
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="data_pipelines/example.proto", package="data_pipelines", syntax="proto3"
    )
    messages: dict[str, Any] = {}
    for path, fields in _MESSAGES.items():
        parent, _, name = path.rpartition(".")
        siblings = messages[parent].nested_type if parent else file.message_type
        message = messages[path] = siblings.add(name=name)
        for field_name, number, kind in fields:
            field = message.field.add(name=field_name, number=number)
            field.label = (
                field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
            )
            kind = kind.removeprefix("*")
            if kind.startswith("."):
                field.type, field.type_name = (
                    field.TYPE_MESSAGE,
                    f".{file.package}{kind}",
                )
            else:
                field.type = getattr(field, f"TYPE_{kind}")
    messages["Features.FeatureEntry"].options.map_entry = True
    messages["Feature"].oneof_decl.add(name="kind")
    for field in messages["Feature"].field:
        field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{file.package}.Example")
    )
