"""What records of image sets made elsewhere hold; all are `tf.train.Example`s.

| made by | image | class | also |
|---|---|---|---|
| Keras on TPU codelab | image | class (int64), label (its name) | size, one_hot_class |
| Kaggle, Petals to the Metal | image | class (int64); none in test files | id |
| data_pipelines | image | class (int64), label (its name) | size, name |
| TensorFlow Datasets | image | label (int64) | |

Sources: notebook 03_Flower_pictures_to_TFRecords of the codelab, in
github.com/GoogleCloudPlatform/training-data-analyst/tree/master/courses/
fast-and-lean-data-science; Kaggle's notebook "Getting started with 100+ flowers on
TPU" for the competition tpu-getting-started; `schema.py`; tensorflow_datasets'
`image_classification/flowers.py`.
"""

from typing import Any, NamedTuple

from data_pipelines.errors import DataError
from data_pipelines.shards.schema import parse_example

NO_CLASS = -1


class Fields(NamedTuple):
    """One record.

    Attributes:
        image: Encoded image.
        number: Class number, 0 or above, or NO_CLASS.
        class_name: The name of the class, if the record holds it.
        name: What the image is called, if the record says so.
    """

    image: bytes
    number: int
    class_name: str | None
    name: str | None


def read_fields(data: bytes) -> Fields:
    """Returns what a record in one of the layouts above holds.

    Raises:
        DataError: no Example, no image, a field of another type, or a class that is
            negative or not the one of one_hot_class.
    """
    fields = parse_example(data)
    image = _value(fields, "image", bytes)
    if not image:
        found = sorted(fields)[:8]
        raise DataError(f"field 'image' is missing or empty; there are {found}")
    number, label = _value(fields, "class", int), _value(fields, "label", bytes, int)
    if isinstance(label, int):
        number, label = label if number is None else number, None
    if number is None:
        number = NO_CLASS
    else:
        _check_class(number, fields.get("one_hot_class", []))
    name = _value(fields, "name", bytes)
    if name is None:
        name = _value(fields, "id", bytes, int)
    return Fields(image, number, _to_text(label) or None, _to_text(name))


def _check_class(number: int, one_hot: list[float]) -> None:
    if number < 0:
        raise DataError(f"class {number} is negative")
    if one_hot and [i for i, value in enumerate(one_hot) if value] != [number]:
        raise DataError(f"class {number} is not the one that one_hot_class marks")


def _value(fields: dict[str, list[Any]], name: str, *kinds: type) -> Any:
    """Returns the one value of a field; None where there is no such field."""
    values = fields.get(name, [])
    if len(values) > 1 or not all(isinstance(value, kinds) for value in values):
        found = {type(value).__name__ for value in values}
        raise DataError(
            f"field {name!r} holds {len(values)} {'/'.join(found)} values; one "
            f"{' or '.join(kind.__name__ for kind in kinds)} expected"
        )
    return values[0] if values else None


def _to_text(value: bytes | int | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, int):
        return str(value)
    # File names need not be valid UTF-8; Python's escapes keep them exact.
    return value.decode("utf-8", "surrogateescape")
