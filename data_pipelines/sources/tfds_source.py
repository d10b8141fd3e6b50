"""Image classification datasets of TensorFlow Datasets as sources."""

import functools
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_pipelines.errors import DataError
from data_pipelines.sources.source import Example, Source, fingerprint
from data_pipelines.sources.split_names import split_of_word


def is_installed() -> bool:
    """Returns whether TensorFlow Datasets can be used, without importing it."""
    try:
        return all(map(importlib.util.find_spec, ("tensorflow_datasets", "tensorflow")))
    except ImportError:  # an import hook refuses one of them
        return False


def find_prepared(name: str, data_dir: str | Path | None = None) -> Path | None:
    """Returns the folder of the newest prepared version of a dataset, if there is one.

    Args:
        name: "tf_flowers", "cifar10/config" or "tf_flowers:3.0.1".
        data_dir: None for $TFDS_DATA_DIR or ~/tensorflow_datasets.
    """
    name, _, version = name.partition(":")
    versions = (_data_dir(data_dir) / name).glob(f"{version or '*'}/dataset_info.json")
    found = [info.parent for info in versions if _version(info.parent)]
    return max(found, key=_version, default=None)


def _data_dir(data_dir: str | Path | None) -> Path:
    default = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return Path(data_dir or default).expanduser()


def _version(folder: Path) -> tuple[int, ...]:
    parts = folder.name.split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def from_tfds(
    name: str, data_dir: str | Path | None = None, *, download: bool = True
) -> Source:
    """Returns a dataset of TensorFlow Datasets.

    The encoded bytes are taken as they are stored and held in memory (229 MB for
    tf_flowers). Class names come in the dataset's own order. Where it has a `train` and
    a `test` split, examples keep their split, and splits that are neither train,
    validation nor test are left out; otherwise all splits are taken together.

    Args:
        name: A dataset with the features `image` and `label`, such as "tf_flowers";
            "name/config" and "name:version" work as in TensorFlow Datasets.
        data_dir: Where datasets are kept; None for $TFDS_DATA_DIR or
            ~/tensorflow_datasets.
        download: Whether a dataset that is not there may be downloaded.

    Raises:
        DataError: not installed, not there, download failed, or not a dataset of
            labeled images.
    """
    if not is_installed():
        raise DataError(
            f'tfds:{name} needs tensorflow_datasets; run: pip install "kerastpu[data]"'
        )
    folder = find_prepared(name, data_dir)
    if folder is None and not download:
        raise DataError(f"tfds:{name} is not in {_data_dir(data_dir)}")
    builder = _load_builder(name, folder) if folder else _download(name, data_dir)
    features = builder.info.features
    class_names = _class_names(name, features)
    splits = _splits(builder)
    roles = {split.name: split_of_word(split.name) for split in splits}
    held_out = {"validation", "test"} & set(roles.values())
    comes_split = "train" in roles.values() and bool(held_out)
    left_out = [split for split, role in roles.items() if comes_split and not role]
    examples = [
        replace(example, split=role if comes_split else None)
        for split, role in roles.items()
        if split not in left_out
        for example in _read_examples(builder, name, split, len(class_names))
    ]
    contents = [(split.name, split.num_examples, split.num_bytes) for split in splits]
    return Source(
        "tfds",
        builder.info.full_name,
        class_names,
        tuple(examples),
        fingerprint("tfds", builder.info.full_name, class_names, contents),
        tuple(
            f"split {split!r} is neither for training, validation nor test: left out"
            for split in left_out
        ),
    )


def _load_builder(name: str, folder: Path) -> Any:
    # From its files alone: asking by name could try the network first.
    import tensorflow_datasets as tfds

    try:
        return tfds.builder_from_directory(folder)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"tfds:{name} in {folder} is damaged: {error}") from error


def _download(name: str, data_dir: str | Path | None) -> Any:
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.download_manager import (
        NonMatchingChecksumError,
    )

    errors = (
        *(OSError, ValueError, AssertionError, ImportError, RuntimeError),
        tfds.core.DatasetNotFoundError,
        tfds.download.DownloadError,
        NonMatchingChecksumError,
        tf.errors.OpError,
    )
    try:
        builder = tfds.builder(name, data_dir=_data_dir(data_dir))
        builder.download_and_prepare()
    except errors as error:
        raise DataError(f"tfds:{name} cannot be had: {_first_line(error)}") from error
    return builder


def _class_names(name: str, features: Any) -> tuple[str, ...]:
    import tensorflow_datasets as tfds

    found = dict(features.items())
    image, label = found.get("image"), found.get("label")
    if not isinstance(image, tfds.features.Image) or not isinstance(
        label, tfds.features.ClassLabel
    ):
        raise DataError(
            f"tfds:{name} is no image classification dataset: needs features `image` "
            f"and `label` (a ClassLabel); has {', '.join(found)}"
        )
    return tuple(label.names)


def _splits(builder: Any) -> list[Any]:
    return [builder.info.splits[split] for split in sorted(builder.info.splits)]


def _read_examples(
    builder: Any, name: str, split: str, num_classes: int
) -> Iterator[Example]:
    import tensorflow as tf
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(
        split=split,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(try_autocache=False),
    )
    try:
        for index, item in enumerate(dataset.as_numpy_iterator()):
            label, image = int(item["label"]), item["image"]
            if not 0 <= label < num_classes:
                raise DataError(f"tfds:{name}: {split} has unlabeled images")
            read = functools.partial(bytes, image)
            yield Example(f"{split}/{index:07d}", label, read)
    except tf.errors.OpError as error:
        raise DataError(f"tfds:{name}: damaged: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
