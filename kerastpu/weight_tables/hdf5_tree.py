"""What an HDF5 file holds: groups, arrays, links, attributes, by their paths.

HDF5 is a tree of groups and arrays ("datasets") that are named like files in folders;
attributes hang on both. No array is read here, and no link is followed.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu import text_table
from kerastpu.errors import KerastpuError
from kerastpu.pretrained import hdf5, probe

if TYPE_CHECKING:
    import h5py

_MOST_ENTRIES = 100_000
_MOST_ATTRIBUTE_BYTES = 8_192  # longer ones are told by shape and type
_MOST_TEXT = 60  # characters of an attribute in the table


@dataclasses.dataclass(frozen=True)
class Entry:
    """A group, an array or a link.

    Attributes:
        path: As of a file in folders, "/layers/conv1/vars/0" say.
        kind: "group", "dataset", "link" or "type".
        shape: Of an array; None of the others, and of an array without elements.
        dtype: Of its elements, such as "float32".
        num_bytes: All its elements, unpacked.
        stored_bytes: What it takes in the file.
        compression: Such as "gzip"; None: it is not packed.
        attributes: Name -> value: a number, a text or a list; long ones in words.
        target: Where a link leads.
    """

    path: str
    kind: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    num_bytes: int | None = None
    stored_bytes: int | None = None
    compression: str | None = None
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    target: str | None = None


def list_entries(path: Path) -> list[Entry]:
    """Lists an HDF5 file, or the weights in a `.keras` archive.

    The file is looked at in a process of its own: see `kerastpu.pretrained.probe`.

    Args:
        path: The file.

    Returns:
        The root first, each group before what is in it, in the order of names.

    Raises:
        KerastpuError: there is no such file, it is another kind of file, or damaged.
    """
    found = json.loads(probe.run(__name__, path))
    return [
        Entry(**entry | {"shape": entry["shape"] and tuple(entry["shape"])})
        for entry in found
    ]


def text(entries: list[Entry]) -> str:
    """Returns a line for each entry, and the sums."""
    from kerastpu import data_text  # loads more than the process that reads needs

    header = ("path", "kind", "shape", "dtype", "bytes", "in file", "packed", "about")
    lines = text_table.lines(header, list(map(_row, entries)), ("bytes", "in file"))
    arrays = [entry for entry in entries if entry.kind == "dataset"]
    unpacked = sum(entry.num_bytes or 0 for entry in arrays)
    stored = sum(entry.stored_bytes or 0 for entry in arrays)
    lines += [
        "",
        f"{sum(entry.kind == 'group' for entry in entries):,} groups, {len(arrays):,} "
        f"datasets: {data_text.num_bytes(unpacked)}, "
        f"{data_text.num_bytes(stored)} in the file",
    ]
    return data_text.printable("\n".join(lines))


def _row(entry: Entry) -> tuple[str, ...]:
    about = [f"-> {entry.target}"] if entry.target is not None else []
    for name, value in entry.attributes.items():
        told = json.dumps(value, ensure_ascii=False)
        if len(told) > _MOST_TEXT:
            told = f"{told[:_MOST_TEXT]}..."
        about.append(f"{name}={told}")
    counts = (entry.num_bytes, entry.stored_bytes)
    return (
        entry.path,
        entry.kind,
        "" if entry.shape is None else str(entry.shape),
        entry.dtype or "",
        *("" if count is None else f"{count:,}" for count in counts),
        entry.compression or "",
        ", ".join(about),
    )


def read(path: str) -> None:
    """Prints the entries as JSON; or what is wrong with the file, and exits with 1."""
    import h5py

    try:
        with hdf5.refusing(Path(path)):
            with h5py.File(hdf5.content(Path(path)), "r") as file:
                found = [dataclasses.asdict(one) for one in _walk(file, path)]
            print(json.dumps(found))
    except KerastpuError as error:
        print(error)
        sys.exit(1)


def _walk(file: h5py.File, path: str) -> Iterator[Entry]:
    """Yields the entries; a group that is reached again is a link to the first."""
    import h5py

    first: dict[int, str] = {}
    waiting: list[tuple[h5py.Group, str]] = [(file, "")]
    count = 0
    while waiting:
        group, place = waiting.pop()
        first[h5py.h5o.get_info(group.id).addr] = place or "/"
        yield Entry(place or "/", "group", attributes=_attributes(group))
        inner = []
        for name in sorted(group):
            count += 1
            if count > _MOST_ENTRIES:
                raise KerastpuError(
                    f"{path}: holds more than {_MOST_ENTRIES:,} objects"
                )
            here = f"{place}/{name}"
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                yield Entry(here, "link", target=_target(link))
                continue
            child = group[name]
            address = h5py.h5o.get_info(child.id).addr
            if address in first:
                yield Entry(here, "link", target=first[address])
            elif isinstance(child, h5py.Group):
                first[address] = here
                inner.append((child, here))
            else:
                first[address] = here
                yield _leaf(child, here)
        waiting += reversed(inner)


def _target(link: h5py.SoftLink | h5py.ExternalLink) -> str:
    """Returns where a link leads; one into another file has its name before a colon."""
    file = getattr(link, "filename", None)
    return link.path if file is None else f"{file}:{link.path}"


def _leaf(child: h5py.Dataset | h5py.Datatype, place: str) -> Entry:
    import h5py

    if not isinstance(child, h5py.Dataset):
        return Entry(place, "type", dtype=str(child.dtype))
    target = None
    if child.is_virtual:
        target = "arrays of other files"
    elif child.external:
        target = ", ".join(str(name) for name, _, _ in child.external)
    return Entry(
        place,
        "dataset",
        shape=child.shape,
        dtype=str(child.dtype),
        num_bytes=int(child.nbytes) if child.shape is not None else 0,
        stored_bytes=int(child.id.get_storage_size()),
        compression=child.compression,
        attributes=_attributes(child),
        target=target,
    )


def _attributes(child: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    found = {}
    for name in child.attrs:
        attribute = child.attrs.get_id(name)
        size = math.prod(attribute.shape or ()) * attribute.dtype.itemsize
        if size > _MOST_ATTRIBUTE_BYTES:
            found[name] = f"{attribute.dtype} {attribute.shape}"
        else:
            found[name] = _plain(child.attrs[name])
    return found


def _plain(value: Any) -> Any:
    """Returns what `json` can write."""
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.ravel().tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value if isinstance(value, (bool, int, float, str)) else str(value)
