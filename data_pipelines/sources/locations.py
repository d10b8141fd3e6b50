"""Where a named data set may be: each location is looked at before it is read."""

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from data_pipelines.errors import DataError
from data_pipelines.sources import hosts, tfds_source
from data_pipelines.sources.rendered import from_rendered
from data_pipelines.sources.source import Source


class Place(NamedTuple):
    """A place where data may be, whether it can be had there, and why (not)."""

    place: str
    reachable: bool
    why: str


class Location(Protocol):
    """Somewhere a data set may be."""

    @property
    def needs_network(self) -> bool:
        """Whether looking and reading ask other machines."""

    def look(self) -> Place:
        """Says, within seconds, whether the data set is there."""

    def read(self) -> Source:
        """Returns the data set, or raises `DataError`."""


class Layout(NamedTuple):
    """A form in which a data set lies in a folder.

    Attributes:
        pattern: Glob of what shows that form, such as "data_batch_1.bin".
        read: Returns the data set, given the first path that matches.
    """

    pattern: str
    read: Callable[[Path], Source]


@dataclass(frozen=True)
class Folder:
    """A folder of this machine.

    Attributes:
        root_name: What people know the root by, such as "$KERASTPU_DATA".
        root: Returns the folder in which the data set's folder lies, None if not set.
        names: Of the data set's folder: the first that is there counts.
        layouts: The forms to look for, in this order.
        hint: How to get it there.
    """

    root_name: str
    root: Callable[[], Path | None]
    names: tuple[str, ...]
    layouts: tuple[Layout, ...]
    hint: str = ""
    needs_network: bool = False

    def look(self) -> Place:
        """As in `Location`."""
        place = f"{self.root_name}/{self.names[0]}"
        root = self.root()
        if root is None:
            return Place(place, False, f"{self.root_name.lstrip('$')} is not set")
        folder = self._find(root)
        if folder is None:
            hint = f"; {self.hint}" if self.hint else ""
            return Place(place, False, f"no folder {root / self.names[0]}{hint}")
        if self._match(folder) is None:
            patterns = ", ".join(layout.pattern for layout in self.layouts)
            return Place(place, False, f"none of {patterns} in {folder}")
        return Place(place, True, str(folder))

    def read(self) -> Source:
        """As in `Location`."""
        folder = self._find(self.root() or Path())
        matched = self._match(folder) if folder else None
        if matched is None:
            raise DataError(self.look().why)
        layout, path = matched
        return layout.read(path)

    def _find(self, root: Path) -> Path | None:
        found = (root / name for name in self.names if (root / name).is_dir())
        return next(found, None)

    def _match(self, folder: Path) -> tuple[Layout, Path] | None:
        for layout in self.layouts:
            for path in sorted(folder.glob(layout.pattern)):
                return layout, path
        return None


@dataclass(frozen=True)
class TfdsCache:
    """What TensorFlow Datasets has prepared on this machine, by its name there."""

    name: str
    needs_network: bool = False

    def look(self) -> Place:
        """As in `Location`."""
        place = "TensorFlow Datasets' cache"
        if not tfds_source.is_installed():
            missing = (
                'tensorflow_datasets is missing; run: pip install "kerastpu[data]"'
            )
            return Place(place, False, missing)
        folder = tfds_source.find_prepared(self.name)
        return Place(place, folder is not None, str(folder or f"no {self.name} in it"))

    def read(self) -> Source:
        """As in `Location`."""
        return tfds_source.from_tfds(self.name, download=False)


@dataclass(frozen=True)
class TfdsDownload:
    """What TensorFlow Datasets can download and prepare.

    Attributes:
        name: The data set's name there.
        url: A file that it downloads: whether it answers is asked first, since a
            download that cannot work takes minutes to say so.
        num_bytes: The length of that file.
    """

    name: str
    url: str
    num_bytes: int
    needs_network: bool = True

    def look(self) -> Place:
        """As in `Location`."""
        place = urllib.parse.urlsplit(self.url).netloc
        if not tfds_source.is_installed():
            return Place(place, False, "of no use without tensorflow_datasets")
        trouble = hosts.why_unreachable(self.url, self.num_bytes)
        return Place(place, not trouble, trouble or "answers")

    def read(self) -> Source:
        """As in `Location`."""
        return tfds_source.from_tfds(self.name)


@dataclass(frozen=True)
class Drawn:
    """The embedded set, which is drawn where it is needed."""

    needs_network: bool = False

    def look(self) -> Place:
        """As in `Location`."""
        return Place("drawn by code", True, "not photos")

    def read(self) -> Source:
        """As in `Location`."""
        return from_rendered()
