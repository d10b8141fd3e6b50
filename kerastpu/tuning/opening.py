"""Folders of searches read back: their studies, finished or not."""

from dataclasses import dataclass
from pathlib import Path

from kerastpu.errors import UsageError
from kerastpu.tuning import plans, settings
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study
from kerastpu.tuning.tune import open_study


@dataclass(frozen=True)
class Opened:
    """One study of a search.

    Attributes:
        name: of its folder, such as 1-rate.
        settings: what it is.
        study: as far as its record goes; not to be asked.
    """

    name: str
    settings: Settings
    study: Study


def studies(workdir: Path) -> list[Opened]:
    """Returns the studies of a search, or the one study that a folder is.

    Raises:
        UsageError: the folder holds neither, or no study has begun.
    """
    if settings.is_study(workdir):
        folders = [workdir]
    elif (workdir / plans.NAME).is_file():
        folders = sorted(path.parent for path in workdir.glob(f"*/{settings.NAME}"))
    else:
        raise UsageError(f"{workdir} is no search: it holds no {plans.NAME}")
    if not folders:
        raise UsageError(f"the search in {workdir} has not begun")
    opened = []
    for folder in folders:
        made = settings.read(folder)
        opened.append(Opened(folder.name, made, open_study(folder, made, reads=True)))
    return opened
