"""Writes labs/README.md: its table names every lab."""

import re
from pathlib import Path

from kerastpu import files
from labs_build import lab, opening, places, project, stamps, times
from labs_build.wording import WORDS

PATH = lab.FOLDER / "README.md"
PLATFORMS = ("cpu", "gpu", "tpu")
_HEADER = """\
| lab | question | CPU | GPU | TPU | open | read | exercises |
|---|---|---|---|---|---|---|---|
"""
_TEMPLATE = Path(__file__).with_name("readme_template.md")


def text() -> str:
    """Returns what labs/README.md has to hold."""
    labs = [lab.load(path) for path in lab.scripts()]
    measured = times.newest()
    rows = "".join(_row(one, measured) for one in labs)
    example = labs[0].name
    template = _TEMPLATE.read_text("utf-8")
    return template.format(table=_HEADER + rows, example=example, number=example[:2])


def write() -> None:
    """Writes labs/README.md."""
    files.write_text(PATH, text())


def question(one: lab.Lab) -> str:
    """Returns the question at the top of a lab."""
    title = one.cells[0].source.splitlines()[0]
    return re.sub(r"^# Lab \d\d: ", "", title)


def _row(one: lab.Lab, measured: dict[tuple[str, str], float]) -> str:
    minutes = [
        stamps.minutes(measured[one.name, platform])
        if (one.name, platform) in measured
        else "-"
        for platform in PLATFORMS
    ]
    notebooks = {
        language: places.notebook(one.name, language).removeprefix("labs/")
        for language in lab.LANGUAGES
    }
    read = ", ".join(
        f"[{WORDS[language]['language']}]({path})"
        for language, path in notebooks.items()
    )
    colab = project.colab_url(places.notebook(one.name, "en"))
    badge = f"[![Open in Colab]({opening.BADGE})]({colab})"
    exercises = places.notebook(one.name, "en", True).removeprefix("labs/")
    cells = [one.name[:2], question(one), *minutes, badge, read]
    return f"| {' | '.join(cells)} | [playground]({exercises}) |\n"
