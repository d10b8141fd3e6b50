"""A lab: the cells of its script, its translations, its parameters."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext

from kerastpu.errors import UsageError
from labs_build import chinese

FOLDER = Path(__file__).parents[1] / "labs"
LANGUAGES = ("en", "zh-TW", "zh-CN")
PARAMETER_SETS = ("tiny", "full")


@dataclass(frozen=True)
class Cell:
    """One cell of a script, in English."""

    key: str
    is_code: bool
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lab:
    """A lab as its three files have it."""

    name: str
    """Without ending, as `04_transfer_learning`."""
    cells: tuple[Cell, ...]
    translations: Mapping[str, Mapping[str, str]]
    """Text by language and key; English is in the cells."""
    parameters: Mapping[str, Mapping[str, Any]]
    """Values by set (tiny, full) and name."""
    extras: tuple[str, ...]
    """Extras of the package that the lab needs."""

    def text(self, cell: Cell, language: str) -> str:
        """Returns the source of a cell; a text without translation stays English."""
        if cell.is_code or language == "en":
            return cell.source
        return self.translations[language].get(cell.key, cell.source)


def scripts() -> list[Path]:
    """Returns the scripts of all labs, in their order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.py"))


def find(name: str) -> Path:
    """Returns the script of a lab that is named as `04` or in full.

    Raises:
        UsageError: none or several begin with this name.
    """
    found = [path for path in scripts() if path.stem.startswith(name)]
    if len(found) != 1:
        known = ", ".join(path.stem for path in scripts())
        raise UsageError(f"lab must be one of {known}, not {name!r}")
    return found[0]


def load(script: Path) -> Lab:
    """Reads a script, `translations/NAME.toml` and `parameters/NAME.toml`.

    A file of the two that is absent counts as empty.

    Raises:
        UsageError: a cell has no key or that of another; a file is not TOML.
    """
    parameters = _read_toml(script.parent / "parameters" / f"{script.stem}.toml")
    texts = _read_toml(script.parent / "translations" / f"{script.stem}.toml")
    return Lab(
        name=script.stem,
        cells=_cells(script),
        translations={
            language: {
                key: chinese.for_markdown(table[language].strip("\n"))
                for key, table in texts.items()
                if language in table
            }
            for language in LANGUAGES[1:]
        },
        parameters={name: parameters.get(name, {}) for name in PARAMETER_SETS},
        extras=tuple(parameters.get("extras", ())),
    )


def _cells(script: Path) -> tuple[Cell, ...]:
    cells: dict[str, Cell] = {}
    for cell in jupytext.read(script, fmt="py:percent").cells:
        key = cell.metadata.get("key")
        where = f"{script.name}, the cell that begins {cell.source[:40]!r}"
        if not key:
            raise UsageError(f'{where}: has no key="..."')
        if key in cells:
            raise UsageError(f"{where}: its key {key!r} is that of another cell")
        tags = tuple(cell.metadata.get("tags", ()))
        cells[key] = Cell(key, cell.cell_type == "code", cell.source, tags)
    return tuple(cells.values())


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name} in {path.parent.name}/: {error}") from None
