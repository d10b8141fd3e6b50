"""LiteRT, formerly TensorFlow Lite: for phones and small devices.

The file takes uint8 images and gives float32 probabilities in every precision. A zip
archive at its end, as LiteRT's own metadata tools put there, holds kerastpu.json.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kerastpu.errors import KerastpuError
from kerastpu.export import litert_bias
from kerastpu.export.litert_graph import HEAVY, Graph
from kerastpu.export.metadata import INPUT, NAME, Metadata
from kerastpu.export.saved_model import SIGNATURE


def convert(saved_model: Path) -> bytes:
    """Returns a SavedModel as a file in float32.

    Args:
        saved_model: What `saved_model.write` wrote.

    Raises:
        KerastpuError: TensorFlow's converter cannot convert it.
    """
    return _convert(saved_model, None)


def to_int8(saved_model: Path, exact: bytes, images: np.ndarray) -> bytes:
    """Returns a file whose layers compute in int8.

    Args:
        saved_model: What `saved_model.write` wrote.
        exact: What `convert` makes of it.
        images: uint8 (M, height, width, channels) of the training split; the range of
            each map is what they make of it.

    Raises:
        KerastpuError: TensorFlow's converter cannot quantize it.
    """
    return litert_bias.correct(_convert(saved_model, images), exact, images)


def write(data: bytes, metadata: Metadata, path: Path) -> None:
    """Writes a file with `metadata` at its end."""
    path.write_bytes(data)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(NAME, metadata.to_json())


def _convert(saved_model: Path, images: np.ndarray | None) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved_model), signature_keys=[SIGNATURE]
    )
    if images is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _samples(images)
    try:
        with warnings.catch_warnings():  # the calibrator uses an interpreter that moves
            warnings.simplefilter("ignore")
            return converter.convert()
    except Exception as error:  # a class of its own for each version
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0]
        raise KerastpuError(
            f"LiteRT's converter cannot convert it: {reason}"
        ) from error


def _samples(images: np.ndarray) -> Iterator[Any]:
    for image in images:
        yield SIGNATURE, {INPUT: image[None]}


def count_int8(data: bytes) -> tuple[int, int]:
    """Returns how many heavy operators take int8 data, and how many there are.

    Args:
        data: The bytes of the file.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    main = Graph(data)
    quantized = total = 0
    for graph in main.model.subgraphs:
        for operator in graph.operators:
            if main.kind(operator) not in HEAVY:
                continue
            kinds = {graph.tensors[index].type for index in operator.inputs[:2]}
            total += 1
            quantized += kinds == {schema.TensorType.INT8}
    return quantized, total
