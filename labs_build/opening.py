"""The two cells that the builder puts before a lab: badge and installation."""

import json
import re
from pathlib import Path

from kerastpu.version import VERSION
from labs_build import places, project, stamps
from labs_build.lab import LANGUAGES, Cell, Lab
from labs_build.wording import WORDS

BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
_SCRIPT = Path(__file__).with_name("install_cell.py")


def badge(
    name: str, language: str, is_playground: bool, stamp: stamps.Stamp | None
) -> Cell:
    """Returns the cell of the badge, the other versions of the lab, and the stamp.

    Args:
        name: of the lab, without ending.
        language: of the notebook.
        is_playground: whether the notebook is one; it has no outputs to speak of.
        stamp: of the run that the outputs are of; None: they are of none.
    """
    words = WORDS[language]
    here = places.notebook(name, language, is_playground)
    others = [
        f"[{WORDS[other]['language']}]({_url(name, other, is_playground)})"
        for other in LANGUAGES
        if other != language
    ]
    twin = words["solution" if is_playground else "playground"]
    lines = [
        f"[![Open in Colab]({BADGE})]({project.colab_url(here)})",
        f"{words['also_in']}: {', '.join(others)} · "
        f"[{twin}]({_url(name, language, not is_playground)})",
    ]
    if not is_playground:
        said = stamps.sentence(stamp, words["run"]) if stamp else words["not_run"]
        lines.append(f"*{said}*")
    return Cell("badge", False, "\n\n".join(lines))


def install(lab: Lab) -> Cell:
    """Returns the cell that installs the package."""
    values = {"PROJECT": project.url(), "VERSION": VERSION, "EXTRAS": list(lab.extras)}
    source = _SCRIPT.read_text("utf-8").rstrip("\n")
    for constant, value in values.items():
        line = f"{constant} = {json.dumps(value)}"
        source = re.sub(rf"^{constant} = .*$", line, source, count=1, flags=re.M)
    return Cell("install", True, source, ("hide-input",))


def _url(name: str, language: str, is_playground: bool) -> str:
    return project.file_url(places.notebook(name, language, is_playground))
