"""Where data is looked for: `open_source` finds it, `probe` says what is where."""

import http.client
import os
import queue
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from data_pipelines import tfds_source
from data_pipelines.errors import DataError
from data_pipelines.npz import from_npz
from data_pipelines.sources import (
    ArrayData,
    Source,
    fingerprint,
    from_arrays,
    from_folder,
)

Progress = Callable[[int, int], None]

NUM_RENDERED = 2000
_RENDERED_SIZE = 224
_FLOWERS = "tf_flowers"
# What TensorFlow Datasets downloads for tf_flowers 3.0.1, and its size in bytes.
_FLOWERS_URL = "http://download.tensorflow.org/example_images/flower_photos.tgz"
_FLOWERS_BYTES = 228_813_984
_PROBE_SECONDS = 3.0


class Place(NamedTuple):
    """A place where data may be, whether it can be had there, and why (not)."""

    place: str
    reachable: bool
    why: str


def cache_dir() -> Path:
    """Returns where things made or fetched once are kept: $KERASTPU_CACHE or default.

    The default is $XDG_CACHE_HOME/kerastpu, or ~/.cache/kerastpu.
    """
    named = os.environ.get("KERASTPU_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "kerastpu"


def data_dir() -> Path | None:
    """Returns $KERASTPU_DATA, the user's folder of data sets, or None if not set."""
    named = os.environ.get("KERASTPU_DATA")
    return Path(named).expanduser() if named else None


def open_source(
    data: str | Path | ArrayData = "auto",
    *,
    download: bool = True,
    num_rendered: int = NUM_RENDERED,
    progress: Progress | None = None,
) -> Source:
    """Returns the source that `data` names.

    Args:
        data: A folder of class folders, an `.npz` file, `ArrayData`, "tfds:NAME",
            "rendered", or "auto": flowers from $KERASTPU_DATA, else from TensorFlow
            Datasets, else rendered; `Source.notes` then says what was not there and
            why.
        download: Whether "auto" and "tfds:NAME" may use the network.
        num_rendered: How many images are drawn where they are rendered.
        progress: Called with (done, total) while images are rendered.

    Raises:
        DataError: what was asked for by name is not there or is no data set.
    """
    if isinstance(data, ArrayData):
        return from_arrays(data.images, data.labels, data.class_names)
    if data == "auto":
        return _open_auto(download, num_rendered, progress)
    if data == "rendered":
        return from_rendered(num_rendered, progress=progress)
    if isinstance(data, str) and data.startswith("tfds:"):
        return tfds_source.from_tfds(data.removeprefix("tfds:"), download=download)
    return from_npz(data) if Path(data).suffix == ".npz" else from_folder(data)


def from_rendered(
    num_images: int = NUM_RENDERED, seed: int = 0, *, progress: Progress | None = None
) -> Source:
    """Returns the embedded set, flowers drawn by code; drawn once, then kept in cache.

    Args:
        num_images: In all five classes together.
        seed: Same seed, same images.
        progress: Called with (done, total) while images are drawn.
    """
    from data_pipelines.synthetic.flowers import RECIPE_VERSION
    from data_pipelines.synthetic.render import render_dataset

    name = f"rendered-flowers-v{RECIPE_VERSION}-{num_images}x{_RENDERED_SIZE}-{seed}"
    folder = render_dataset(
        cache_dir() / name,
        num_images=num_images,
        size=_RENDERED_SIZE,
        seed=seed,
        progress=progress,
    )
    source = from_folder(folder)
    sizes = [
        (example.name, (folder / example.name).stat().st_size)
        for example in source.examples
    ]
    return replace(
        source,
        kind="rendered",
        name=name,
        # Not of the times of change: drawing again changes them, not the images.
        fingerprint=fingerprint("rendered", sizes),
        is_synthetic=True,
    )


def probe(*, network: bool = True) -> tuple[Place, ...]:
    """Returns where "auto" looks for flowers, in its order, and what is there.

    Takes at most `_PROBE_SECONDS`, most of it only without a network.
    """
    places = [_probe_data_dir(), _probe_tfds_cache()]
    if network:
        places.append(_probe_download())
    return tuple(places)


def _open_auto(download: bool, num_rendered: int, progress: Progress | None) -> Source:
    notes: list[str] = []
    attempts: list[tuple[Callable[[], Place], Callable[[], Source]]] = [
        (_probe_data_dir, lambda: from_folder(_flowers_folder())),
        (_probe_tfds_cache, lambda: tfds_source.from_tfds(_FLOWERS, download=False)),
    ]
    if download:
        attempts.append((_probe_download, lambda: tfds_source.from_tfds(_FLOWERS)))
    for look, load in attempts:
        place, reachable, why = look()
        if not reachable:
            notes.append(f"{place}: {why}")
            continue
        try:
            source = load()
        except DataError as error:
            notes.append(f"{place}: {error}")
        else:
            return replace(source, notes=(*source.notes, *notes))
    notes.append(
        "NO REAL PHOTOS FOUND: using flowers drawn by code; scores on them say nothing "
        "about photos"
    )
    source = from_rendered(num_rendered, progress=progress)
    return replace(source, notes=(*source.notes, *notes))


def _flowers_folder() -> Path:
    return (data_dir() or Path()) / "flowers"


def _probe_data_dir() -> Place:
    place = "$KERASTPU_DATA/flowers"
    if data_dir() is None:
        return Place(place, False, "KERASTPU_DATA is not set")
    folder = _flowers_folder()
    is_there = folder.is_dir()
    return Place(place, is_there, f"{folder}" if is_there else f"no folder {folder}")


def _probe_tfds_cache() -> Place:
    place = "TensorFlow Datasets' cache"
    if not tfds_source.is_installed():
        missing = 'tensorflow_datasets is missing; run: pip install "kerastpu[data]"'
        return Place(place, False, missing)
    folder = tfds_source.find_prepared(_FLOWERS)
    return Place(place, folder is not None, str(folder or f"no {_FLOWERS} in it"))


def _probe_download() -> Place:
    place = "download.tensorflow.org"
    if not tfds_source.is_installed():
        return Place(place, False, "of no use without tensorflow_datasets")
    answers: queue.Queue[str] = queue.Queue()
    # A thread of its own: looking up a host name has no timeout.
    threading.Thread(
        target=lambda: answers.put(_ask_download_host()), daemon=True
    ).start()
    try:
        trouble = answers.get(timeout=_PROBE_SECONDS)
    except queue.Empty:
        trouble = f"no answer in {_PROBE_SECONDS:.0f} s"
    return Place(place, not trouble, trouble or "answers")


def _ask_download_host() -> str:
    """Returns why the flower photos cannot be downloaded, or an empty text."""
    request = urllib.request.Request(_FLOWERS_URL, method="HEAD")
    # A new opener each time, since the shared one remembers the first proxy settings.
    opener = urllib.request.build_opener()
    try:
        with opener.open(request, timeout=_PROBE_SECONDS) as response:
            num_bytes = response.headers.get("Content-Length")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {getattr(error, 'reason', error)}"
    if num_bytes != str(_FLOWERS_BYTES):  # such as the login page of a hotel
        return f"answers with {num_bytes} bytes instead of the {_FLOWERS_BYTES:,} known"
    return ""
