"""Labeled images in a NumPy archive."""

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError
from data_pipelines.sources import Source, from_arrays

if TYPE_CHECKING:
    import numpy as np


def from_npz(path: str | Path) -> Source:
    """Returns the images of an `.npz` file as a source.

    Args:
        path: holds `images` and `labels` as `from_arrays` takes them, and `class_names`
            (strings); without names the classes are called by their numbers.

    Raises:
        DataError: no such file, no archive, an array is missing or has another form.
    """
    import numpy as np

    try:
        with _open(path) as archive:
            missing = [key for key in ("images", "labels") if key not in archive]
            if missing:
                raise DataError(
                    f"{path}: no array {missing[0]!r}; it holds "
                    f"{', '.join(archive.files) or 'none'}"
                )
            images, labels = archive["images"], archive["labels"]
            named = archive.get("class_names")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: damaged, not an .npz archive ({error})") from error
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: holds objects, not plain arrays") from error
    if named is None:
        is_plain = labels.size and np.issubdtype(labels.dtype, np.integer)
        named = np.arange(labels.max() + 1 if is_plain else 0).astype(str)
    try:
        return from_arrays(images, labels, tuple(map(str, named.tolist())))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _open(path: str | Path) -> "np.lib.npyio.NpzFile":
    import numpy as np

    archive = np.load(path, allow_pickle=False)
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise DataError(f"{path}: holds one array without a name, not an .npz archive")
    return archive
