"""Files of Google Cloud Storage: fetched once, then read as any local files.

They are read through `tf.io.gfile`, which takes Application Default Credentials, and
works in the same way on its other file systems (file://, ram://).
"""

import functools
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from data_pipelines.errors import DataError
from data_pipelines.sources.cloud_access import (
    explain,
    open_filesystem,
    quick_credentials,
)
from data_pipelines.sources.source import fingerprint
from data_pipelines.sources.watched_threads import run_watched

Progress = Callable[[int, int], None]

# TensorFlow tries each request up to ten times: minutes, without a word.
_SILENT_SECONDS = 60.0
_NUM_THREADS = 16  # each waits for the network most of the time
_CHUNK_BYTES = 2**20
_MAX_DEPTH = 10
_MAGIC = "*?["


class _Remote(NamedTuple):
    """A file: its URL, its path below the folder that is fetched, size and time."""

    url: str
    name: str
    num_bytes: int
    changed_ns: int


def is_remote(data: object) -> bool:
    """Returns whether `data` is a URL for `fetch`, such as "gs://bucket/folder"."""
    return isinstance(data, str) and "://" in data


def fetch(url: str, cache: Path, *, progress: Progress | None = None) -> Path:
    """Copies remote files to a folder of this machine, unless they are there already.

    Each lot of files has its own folder: another list, size or time of change gives
    another folder. Files are written under a temporary name, checked by size, and keep
    their time of change, so that an interrupted copy is taken up again and the same
    files have the same fingerprint everywhere.

    Args:
        url: A file, a folder with all that is in it, or a pattern such as
            "gs://flowers-public/tfrecords-jpeg-192x192-2/*.tfrec".
        cache: A folder; files are put in `cache`/gs.
        progress: Called with (bytes done, bytes in all).

    Returns:
        The local file, or the folder with the files, below which they lie as they do
        below `url` (or the part of it before the first * or ?).

    Raises:
        DataError: no such file, no access, no network, no room on the disk, or no
            answer for a minute; one line that says what to do.
    """
    gfile = open_filesystem(url)
    import tensorflow as tf

    try:
        with quick_credentials(url):
            remotes = _find(gfile, url)
            listed = fingerprint(url, *(tuple(remote[1:]) for remote in remotes))
            slug = "".join(c if c.isalnum() else "-" for c in url.partition("://")[2])
            target = cache / "gs" / f"{slug[-60:].strip('-')}-{listed[:16]}"
            _copy(gfile, remotes, target, progress)
    except tf.errors.OpError as error:
        raise DataError(explain(error, url)) from error
    except TimeoutError as error:
        raise DataError(f"{url}: {error}; try again later") from error
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{url}: cannot be written to {cache}: {reason}") from error
    is_file = len(remotes) == 1 and remotes[0].url == url
    return target / remotes[0].name if is_file else target


def _find(gfile: Any, url: str) -> list[_Remote]:
    """Returns all files that `url` names, sorted."""
    folder = url.rstrip("/")
    if any(sign in url for sign in _MAGIC):
        folder = url[: min(url.index(sign) for sign in _MAGIC if sign in url)]
        folder = folder.rpartition("/")[0]
    watched = functools.partial(run_watched, seconds=_SILENT_SECONDS, errors=_errors())
    paths = list(watched(functools.partial(_list, gfile), [url]))
    if paths == [url]:
        folder = url.rpartition("/")[0]
    look = functools.partial(_look, gfile, folder)
    remotes = sorted(watched(look, paths, num_threads=_NUM_THREADS))
    if not remotes:
        raise DataError(f"{url}: no file found there")
    return remotes


def _list(gfile: Any, url: str) -> Iterator[str]:
    """Yields the URLs of files, and perhaps of folders."""
    if any(sign in url for sign in _MAGIC):
        yield from gfile.glob(url)
        return
    folder = url.rstrip("/")
    is_bucket = "/" not in folder.partition("://")[2]
    if not is_bucket and not gfile.stat(url).is_directory:
        yield url
        return
    # A pattern for each depth costs one listing, `walk` two requests for each file.
    for depth in range(1, _MAX_DEPTH + 1):
        found = gfile.glob(folder + "/*" * depth)
        yield from found
        if not found:
            return


def _look(gfile: Any, folder: str, url: str) -> Iterator[_Remote]:
    """Yields the file at `url`; nothing where it is a folder."""
    state = gfile.stat(url)
    if state.is_directory:
        return
    name = url.removeprefix(folder + "/")
    # The names in a bucket are any text; none may lead out of the folder.
    if "\0" in name or "\\" in name or {*name.split("/")} & {"", ".", ".."}:
        raise DataError(f"{url!r}: cannot be a local file's name")
    yield _Remote(url, name, state.length, state.mtime_nsec)


def _copy(
    gfile: Any, remotes: Sequence[_Remote], target: Path, progress: Progress | None
) -> None:
    """Fills the folder `target`, save for the files that are there."""
    missing = [remote for remote in remotes if not _is_there(remote, target)]
    if not missing:
        return
    target.mkdir(parents=True, exist_ok=True)
    total = sum(remote.num_bytes for remote in remotes)
    wanted = sum(remote.num_bytes for remote in missing)
    free = shutil.disk_usage(target).free
    if wanted > free:
        raise DataError(
            f"{target}: {wanted / 1e9:.1f} GB to be fetched; {free / 1e9:.1f} GB free"
        )
    done = total - wanted
    for num_bytes in run_watched(
        functools.partial(_download, gfile, target),
        missing,
        seconds=_SILENT_SECONDS,
        errors=_errors(),
        num_threads=_NUM_THREADS,
    ):
        done += num_bytes
        if progress is not None:
            progress(done, total)
    lacking = [remote.url for remote in missing if not _is_there(remote, target)]
    if lacking:
        raise DataError(f"{lacking[0]}: could not be fetched")


def _is_there(remote: _Remote, target: Path) -> bool:
    path = target / remote.name
    return path.is_file() and path.stat().st_size == remote.num_bytes


def _download(gfile: Any, target: Path, remote: _Remote) -> Iterator[int]:
    """Copies a file; yields the number of bytes of every piece."""
    path = target / remote.name
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with gfile.GFile(remote.url, "rb") as source, partial.open("wb") as file:
            while piece := source.read(_CHUNK_BYTES):
                file.write(piece)
                yield len(piece)
        num_bytes = partial.stat().st_size
        if num_bytes != remote.num_bytes:
            raise DataError(
                f"{remote.url}: {num_bytes:,} of {remote.num_bytes:,} bytes came"
            )
        os.utime(partial, ns=(remote.changed_ns, remote.changed_ns))
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def _errors() -> tuple[type[BaseException], ...]:
    import tensorflow as tf

    return tf.errors.OpError, OSError, DataError
