"""`open_source` opens whatever is given as data; `probe` says where flowers are."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from data_pipelines.sources import cloud, named, tfds_source
from data_pipelines.sources.csv_source import from_csv
from data_pipelines.sources.folders import cache_dir
from data_pipelines.sources.locations import Place
from data_pipelines.sources.npz import from_npz
from data_pipelines.sources.rendered import NUM_RENDERED, from_rendered
from data_pipelines.sources.source import ArrayData, Source, from_arrays, from_folder
from data_pipelines.sources.tfrec_files import holds_records
from data_pipelines.sources.tfrec_source import from_tfrecords

Progress = Callable[[int, int], None]


def open_source(
    data: str | Path | ArrayData = "auto",
    *,
    download: bool = True,
    num_rendered: int = NUM_RENDERED,
    progress: Progress | None = None,
) -> Source:
    """Returns the source that `data` names.

    Args:
        data: A folder of class folders, a `.csv` of path and label, an `.npz` file,
            TFRecords (a file, a pattern, a folder of them or of our shards), any of
            these at gs://..., `ArrayData`, "tfds:NAME", a name that `named.load` knows
            (where no file or folder is called so), or "auto": flowers as `load` finds
            them, else rendered; `Source.notes` then says what was not there and why.
        download: Whether the network may be used, but for gs://, which needs it.
        num_rendered: How many images are drawn where they are rendered.
        progress: Called with (done, total) while images are rendered or fetched.

    Raises:
        DataError: what was asked for by name is not there or is no data set.
    """
    if isinstance(data, ArrayData):
        return from_arrays(data.images, data.labels, data.class_names)
    if data == "auto":
        return _open_auto(download, num_rendered, progress)
    if isinstance(data, str) and data.startswith("tfds:"):
        return tfds_source.from_tfds(data.removeprefix("tfds:"), download=download)
    if isinstance(data, str) and named.find_name(data) and not Path(data).exists():
        return named.load(
            data, download=download, num_rendered=num_rendered, progress=progress
        )
    if isinstance(data, str) and cloud.is_remote(data):
        # A table's images lie below its folder; alone it would be of no use.
        folder, _, file = data.rpartition("/")
        table = file if file.endswith(".csv") and not set(file) & {*"*?["} else ""
        local = cloud.fetch(folder if table else data, cache_dir(), progress=progress)
        return replace(_open_path(local / table), name=data)
    return _open_path(data)


def _open_path(path: str | Path) -> Source:
    if Path(path).suffix == ".npz":
        return from_npz(path)
    if Path(path).suffix == ".csv":
        return from_csv(path)
    return from_tfrecords(path) if holds_records(path) else from_folder(path)


def probe(*, network: bool = True) -> tuple[Place, ...]:
    """Returns where "auto" looks for flowers, in its order, and what is there.

    Takes at most `hosts.ANSWER_SECONDS`, most of it only without a network.
    """
    return named.look("flowers", network=network)


def _open_auto(download: bool, num_rendered: int, progress: Progress | None) -> Source:
    source, notes = named.try_load("flowers", download=download)
    if source is not None:
        return source
    notes.append(
        "NO REAL PHOTOS FOUND: using flowers drawn by code; scores on them say nothing "
        "about photos"
    )
    source = from_rendered(num_rendered, progress=progress)
    return replace(source, notes=(*source.notes, *notes))
