"""Published files of weights: found on this machine, else downloaded once and checked.

They lie where Keras keeps its own, so that neither downloads what the other has.
"""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import logging
import urllib.parse
import urllib.request
from pathlib import Path

from data_pipelines.sources import folders
from kerastpu import files
from kerastpu.errors import KerastpuError
from kerastpu.pretrained.source import Availability
from kerastpu.progress import progress

LOG = logging.getLogger("kerastpu")

# Seconds without a byte after which a download is given up.
_TIMEOUT = 30
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Download:
    """A file that can be downloaded.

    Attributes:
        file: What Keras calls it in its cache.
        url: Where it is published.
        digest: SHA-256 or MD5 as hex digits; empty where the publisher gives none.
    """

    file: str
    url: str
    digest: str = ""

    def find(self) -> Path | None:
        """Returns where the file lies: `$KERASTPU_DATA/weights`, or Keras's cache."""
        data = folders.data_dir()
        places = [data / "weights"] if data else []
        paths = (place / self.file for place in (*places, cache_folder()))
        return next((path for path in paths if path.is_file()), None)

    def availability(self) -> Availability:
        """Says where the file is, or where it would come from."""
        path = self.find()
        if path is None:
            host = urllib.parse.urlsplit(self.url).netloc
            return Availability(False, f"downloads from {host}")
        if path.parent == cache_folder():
            return Availability(True, "in the Keras cache")
        return Availability(True, str(path))

    def fetch(self) -> Path:
        """Returns a file that is there and whole; downloads it if it has to.

        Raises:
            KerastpuError: it cannot be downloaded, or is not what was published.
        """
        path = self.find()
        if path is None:
            path = cache_folder() / self.file
            self._download(path)
        elif found := self._wrong_digest(path):
            raise KerastpuError(
                f"{path}: checksum is {found}, not {self.digest}; delete the file and "
                "run again"
            )
        return path

    def _download(self, path: Path) -> None:
        LOG.info("downloading %s to %s", self.url, path.parent)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.temporary(path) as temporary:
                self._copy(temporary)
                if found := self._wrong_digest(temporary):
                    raise ValueError(f"its checksum is {found}, not {self.digest}")
                temporary.replace(path)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise KerastpuError(
                f"cannot download {self.url}: {reason}; put that file into "
                f"{path.parent} as {self.file}, or name a file of your own as weights"
            ) from error

    def _copy(self, path: Path) -> None:
        """Copies what the server sends, and counts it."""
        count = 0
        with (
            urllib.request.urlopen(self.url, timeout=_TIMEOUT) as response,
            path.open("wb") as file,
            progress("downloading, MiB") as update,
        ):
            size = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read(_CHUNK):
                count += file.write(chunk)
                update(count >> 20, max(count, size) >> 20)
        if count < size:
            raise ValueError(f"it broke off after {count} of {size} bytes")

    def _wrong_digest(self, path: Path) -> str | None:
        """Returns the checksum of `path` if it is not the published one."""
        if not self.digest:
            return None
        name = "sha256" if len(self.digest) == 64 else "md5"
        with path.open("rb") as file:
            found = hashlib.file_digest(file, name).hexdigest()
        return None if found == self.digest else found


def cache_folder() -> Path:
    """Returns where Keras keeps the weights that it downloads."""
    return folders.keras_dir() / "models"
