"""What a folder of class folders holds: classes in order, files, splits."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from data_pipelines.errors import DataError
from data_pipelines.sources.split_names import split_of_word

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".pgm", ".ppm")
_IGNORED_FILES = {"thumbs.db", "desktop.ini"}
_IGNORED_FOLDERS = {"__MACOSX"}
# Caltech-256 has 001.ak47, CUB-200 001.Black_footed_Albatross; others 001_ and 001-.
_NUMBERED = re.compile(r"(?P<number>[0-9]+)[._-](?P<name>.+)", re.DOTALL)


class ClassFile(NamedTuple):
    """A file, its class number, and its split where the folder comes split."""

    path: Path
    label: int
    split: str | None


class ClassFolders(NamedTuple):
    """Class names by number, all files in order, and what people should be told."""

    class_names: tuple[str, ...]
    files: tuple[ClassFile, ...]
    notes: tuple[str, ...]


def find_class_folders(root: Path) -> ClassFolders:
    """Returns the classes and files of `root`, as `sources.from_folder` describes.

    Raises:
        DataError: see there.
        OSError: a folder cannot be read.
    """
    if not root.is_dir():
        kind = "is a file" if root.exists() else "does not exist"
        raise DataError(f"{root}: {kind}; expected a folder with one folder per class")
    split_folders = _split_folders(root)
    folders = list(split_folders.values())
    folder_names = _shared_classes(root, folders)
    numbered = _without_numbers(folder_names)
    order = numbered or dict(zip(folder_names, folder_names, strict=True))
    files = tuple(
        ClassFile(path, label, split)
        for split, folder in split_folders.items()
        for label, name in enumerate(order)
        for path in _files_below(folder / name)
    )
    _check_files(root, folders, list(order), [file.path for file in files])
    note = (
        "class folders are numbered: classes are in the order of the numbers and named "
        "without them"
    )
    return ClassFolders(tuple(order.values()), files, (note,) if numbered else ())


def _split_folders(root: Path) -> dict[str | None, Path]:
    """Returns the folder of every split; `root` alone where they are not all splits."""
    found: dict[str | None, Path] = {}
    for folder in _subfolders(root):
        split = split_of_word(folder.name)
        if split is None:
            return {None: root}
        if split in found:
            raise DataError(
                f"{root}: {found[split].name} and {folder.name} both mean {split}; "
                "keep one of them"
            )
        found[split] = folder
    return found if "train" in found and len(found) > 1 else {None: root}


def _shared_classes(root: Path, folders: list[Path]) -> list[str]:
    """Returns the sorted names of the class folders, which all `folders` must have."""
    names = {
        folder: [child.name for child in _subfolders(folder)] for folder in folders
    }
    wanted = names[folders[0]]
    for folder, found in names.items():
        odd = sorted(set(wanted) ^ set(found))
        if odd:
            having, lacking = folders[0], folder
            if odd[0] in found:
                having, lacking = lacking, having
            raise DataError(
                f"{root}: {having.name} has a class folder {odd[0]!r}, {lacking.name} "
                f"has none; all splits must have the same class folders ({len(odd)} "
                f"differ)"
            )
    return wanted


def _without_numbers(folder_names: list[str]) -> dict[str, str]:
    """Returns the class name of every folder, ordered by the number before it.

    Empty unless all are numbered, by different numbers, and the rest are different
    names with a letter: "2024-05" is a date, "1-year" and "2-year" are no numbering.
    """
    matches = [_NUMBERED.fullmatch(name) for name in folder_names]
    found = [(int(match["number"]), match) for match in matches if match]
    names = {match["name"] for _, match in found}
    if (
        len(found) < len(folder_names)
        or len({number for number, _ in found}) < len(found)
        or len(names) < len(found)
        or not all(re.search(r"[^\W\d_]", name) for name in names)
    ):
        return {}
    ordered = sorted(found, key=lambda numbered: numbered[0])
    return {match.string: match["name"] for _, match in ordered}


def _check_files(
    root: Path, folders: list[Path], classes: list[str], files: list[Path]
) -> None:
    if not files:
        has_loose = any(_plain_files(folder) for folder in folders)
        found = "files but no class folder" if has_loose else "no image found"
        raise DataError(f"{root}: {found}; expected <class>/<image> below it")
    if len(classes) == 1:
        only = classes[0]
        inner = _subfolders(folders[0] / only)
        hint = f"; did you mean {folders[0] / only}?" if len(inner) > 1 else ""
        raise DataError(f"{root}: only one class folder, {only!r}; 2 are needed{hint}")
    # None in its class folder: this is the folder in which several data sets lie.
    images = [file for file in files if file.suffix.lower() in _IMAGE_SUFFIXES]
    class_folders = {folder / name for folder in folders for name in classes}
    if images and not any(image.parent in class_folders for image in images):
        raise DataError(
            f"{root}: no image lies directly in a class folder (the first is "
            f"{images[0].relative_to(root)}); give the folder that holds the class "
            f"folders, such as {images[0].parent.parent}"
        )


def _subfolders(folder: Path) -> list[Path]:
    children = [child for child in folder.iterdir() if not _is_ignored(child.name)]
    return sorted(child for child in children if child.is_dir())


def _plain_files(folder: Path) -> list[Path]:
    children = [child for child in folder.iterdir() if not _is_ignored(child.name)]
    return [child for child in children if not child.is_dir()]


def _files_below(folder: Path) -> Iterator[Path]:
    found = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        found += [Path(parent) / name for name in files if not _is_ignored(name)]
    return iter(sorted(found, key=Path.as_posix))


def _is_ignored(name: str) -> bool:
    ignored = name.lower() in _IGNORED_FILES or name in _IGNORED_FOLDERS
    return ignored or name.startswith(".")


def _raise(error: OSError) -> None:
    raise error  # os.walk would pass over an unreadable folder in silence
