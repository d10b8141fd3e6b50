"""Features on disk: one .npy file for each view of a split."""

import contextlib
import io
import logging
import math
import os
import shutil
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

import numpy as np

from data_pipelines.shards import lock
from data_pipelines.sources.folders import cache_dir
from kerastpu.errors import KerastpuError
from kerastpu.progress import Update

LOG = logging.getLogger("kerastpu")

MIB = 2**20


def features_root() -> Path:
    """Returns where the folders of features are kept; it need not be there."""
    return cache_dir() / "features"


class FeatureStore:
    """A folder of features, all of one network.

    A file is written under another name, to which rows are only added; a process that
    takes it up goes on where another was killed. A whole file has its own name.

    Args:
        folder: Made when something is written.
        shape: Of the features of one example.
        dtype: On disk, "float32" or "float16".
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: str):
        self.folder, self.shape, self.dtype = folder, shape, np.dtype(dtype)

    def path(self, name: str) -> Path:
        """Returns the file of the view `name`."""
        return self.folder / f"{name}.npy"

    def open(self, name: str, num_rows: int) -> np.ndarray | None:
        """Returns the features of a view, mapped from the file, not read.

        Args:
            name: Of the view.
            num_rows: Its examples, N.

        Returns:
            (N, *shape), not to be written to; None where there is no whole file.
        """
        path = self.path(name)
        try:
            rows = np.load(path, mmap_mode="r")
        except FileNotFoundError:
            return None
        except (OSError, EOFError, ValueError) as error:
            LOG.warning("%s is damaged and made anew: %s", path, error)
            return None
        if rows.shape != (num_rows, *self.shape) or rows.dtype != self.dtype:
            LOG.warning("%s holds something else and is made anew", path)
            return None
        return rows

    def write(
        self,
        name: str,
        num_rows: int,
        rows_from: Callable[[int], Iterator[np.ndarray]],
        *,
        step: int,
        progress: Update | None = None,
    ) -> np.ndarray:
        """Computes what is missing of a view; one process does, others wait for it.

        Args:
            name: Of the view.
            num_rows: Its examples, N.
            rows_from: Called with the number of the first example that is missing, 0 or
                a multiple of `step`; yields the rows (n, *shape) from there on.
            step: Whatever is on disk beyond a multiple of this is computed again.
            progress: Told (rows done, N) as work goes on.

        Returns:
            What `open` returns.

        Raises:
            KerastpuError: the disk is full or cannot be written to, or a feature is not
                a finite number in this dtype.
        """
        path = self.path(name)
        with contextlib.ExitStack() as stack:
            with self._named_errors():
                self.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(lock.hold(path.with_suffix(".lock")))
            kept = self.open(name, num_rows)  # another process may have made it
            if kept is not None:
                return kept
            part = path.with_suffix(".npy.part")
            with self._begun(part, num_rows, step) as (file, done):
                for rows in rows_from(done) if done < num_rows else ():
                    converted = self._convert(rows, name)
                    with self._named_errors():
                        _write_all(file, converted.data)
                    done += len(rows)
                    if progress:
                        progress(done, num_rows)
            with self._named_errors():
                part.replace(path)
                return np.load(path, mmap_mode="r")

    @contextlib.contextmanager
    def _begun(
        self, part: Path, num_rows: int, step: int
    ) -> Iterator[tuple[FileIO, int]]:
        """Yields a file to append rows to, and how many it holds."""
        header = self._header(num_rows)
        row_bytes = self.dtype.itemsize * math.prod(self.shape)
        with contextlib.ExitStack() as stack:
            with self._named_errors():
                file = stack.enter_context(part.open("a+b", buffering=0))
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                done = 0
                if file.read(len(header)) == header:
                    done = min((size - len(header)) // row_bytes, num_rows)
                    done -= done % step if done < num_rows else 0
                    file.truncate(len(header) + done * row_bytes)
                else:
                    file.truncate(0)
                    _write_all(file, memoryview(header))
                self._check_room((num_rows - done) * row_bytes)
            yield file, done
            with self._named_errors():
                os.fsync(file.fileno())

    def _header(self, num_rows: int) -> bytes:
        """Returns the first bytes of the whole file."""
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header,
            {
                "descr": np.lib.format.dtype_to_descr(self.dtype),
                "fortran_order": False,
                "shape": (num_rows, *self.shape),
            },
        )
        return header.getvalue()

    def _convert(self, rows: np.ndarray, name: str) -> np.ndarray:
        with np.errstate(over="ignore"):
            converted = np.ascontiguousarray(rows, self.dtype)
        if not np.isfinite(converted).all():
            remedy = "; use float32" if np.isfinite(rows).all() else ""
            raise KerastpuError(
                f"features of {name} are not finite numbers in {self.dtype}{remedy}"
            )
        return converted

    def _check_room(self, num_bytes: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if num_bytes > free:
            raise KerastpuError(
                f"features need {num_bytes / MIB:,.0f} MiB in {self.folder}; "
                f"{free / MIB:,.0f} MiB are free"
            )

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise KerastpuError(
                f"features cannot be written to {self.folder}: "
                f"{error.strerror or error}"
            ) from error


def _write_all(file: FileIO, data: memoryview) -> None:
    left = data.cast("B")
    while left:
        left = left[file.write(left) :]
