"""What DATA and --out mean to every `kerastpu data` command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from kerastpu.errors import UsageError
from kerastpu.progress import progress

if TYPE_CHECKING:
    from data_pipelines.sources.source import Source

Data = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]


def open_data(data: str) -> "Source":
    """Returns the images that DATA names.

    Raises:
        DataError: they are not there, or cannot be read.
    """
    from data_pipelines.sources.registry import open_source

    with progress("get images") as update:  # where they are drawn or fetched
        return open_source(data, progress=update)


def check_out(out: Path, data: str) -> None:
    """Refuses to write among the images, where a result would be taken for one.

    Raises:
        UsageError: `out` lies in the folder `data`.
    """
    folder, wanted = Path(data).resolve(), out.resolve()
    if folder.is_dir() and folder in (wanted, *wanted.parents):
        raise UsageError(
            f"--out {out} is inside the data, {data}; choose another place"
        )
