"""Makes the files of an export, each from what was made before it."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerastpu import runs
from kerastpu.errors import UsageError
from kerastpu.export import litert, litert_half, onnx_file, saved_model
from kerastpu.export.images import Images
from kerastpu.export.metadata import Metadata
from kerastpu.export.subject import Subject
from kerastpu.export.targets import Target

if TYPE_CHECKING:
    import onnx


class Maker:
    """Makes exports of one model.

    Args:
        subject: The model.
        images: Give the class names, and what int8 is calibrated on.
        folder: Where exports are made.
        keep_batch_norm: Leaves BatchNorm an operator of its own in ONNX.
    """

    def __init__(
        self,
        subject: Subject,
        images: Images,
        folder: Path,
        keep_batch_norm: bool = False,
    ):
        self.subject, self.images, self.folder = subject, images, folder
        self.keep_batch_norm = keep_batch_norm

    def make(self, target: Target) -> Path:
        """Makes one export and returns where it is.

        Raises:
            KerastpuError: the model cannot be converted.
        """
        path, metadata = self.folder / target.file, self._metadata(target.precision)
        if target.format == "keras":
            values = metadata.to_dict()
            names = values.pop("class_names")
            runs.save_model(self.subject.model, path, names, **values)
        elif target.format == "savedmodel":
            shutil.copytree(self._saved_model, path)
        elif target.format == "onnx":
            path.write_bytes(self._onnx_as(target.precision).SerializeToString())
        else:
            litert.write(self._litert_as(target.precision), metadata, path)
        return path

    def count_int8(self, target: Target) -> tuple[int, int] | None:
        """Returns how many heavy operators take int8 data, and how many there are.

        None for an export that is not int8.
        """
        if target.precision != "int8":
            return None
        path = self.folder / target.file
        if target.format == "litert":
            return litert.count_int8(path.read_bytes())
        return onnx_file.count_int8(path)

    def _metadata(self, precision: str) -> Metadata:
        return self.subject.metadata(self.images.class_names, precision)

    def _onnx_as(self, precision: str) -> onnx.ModelProto:
        metadata = self._metadata(precision)
        if precision == "float16":
            return onnx_file.to_float16(self._onnx, metadata)
        if precision == "float16_compute":
            return onnx_file.to_float16_compute(self._onnx, metadata)
        if precision == "int8":
            return onnx_file.to_int8(self._onnx, metadata, self._calibration)
        return self._onnx

    def _litert_as(self, precision: str) -> bytes:
        exact = self._litert.read_bytes()
        if precision == "float16":
            return litert_half.to_float16(exact)
        if precision == "int8":
            return litert.to_int8(self._saved_model, exact, self._calibration)
        return exact

    @functools.cached_property
    def _onnx(self) -> onnx.ModelProto:
        return onnx_file.convert(
            self.subject.model, self._metadata("float32"), self.keep_batch_norm
        )

    @functools.cached_property
    def _litert(self) -> Path:
        path = self.folder / "float32.made"
        path.write_bytes(litert.convert(self._saved_model))
        return path

    @functools.cached_property
    def _saved_model(self) -> Path:
        path = self.folder / "saved_model.made"
        saved_model.write(self.subject.model, self._metadata("float32"), path)
        return path

    @functools.cached_property
    def _calibration(self) -> np.ndarray:
        if self.images.calibrate is None:
            raise UsageError("int8 needs training images to be calibrated on: --data")
        return self.images.calibrate()
