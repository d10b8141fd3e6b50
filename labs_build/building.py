"""Builds the notebooks of a lab in all languages, and its playgrounds."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from kerastpu import files
from kerastpu.errors import KerastpuError
from labs_build import notebook, places, project, running, stamps, times
from labs_build.lab import LANGUAGES, Lab

MAX_BYTES = 500_000
TIMEOUT = 1_800
LOGS = project.ROOT / "runs" / "labs"


def with_run(lab: Lab, commit: str) -> stamps.Stamp:
    """Runs a lab with its own values, and writes its notebooks with the outputs.

    Args:
        lab: the lab.
        commit: of the code, for the table of times.

    Raises:
        KerastpuError: a cell fails; a notebook gets too large.
    """
    ran = running.run(notebook.make(lab), lab.name, {}, TIMEOUT)
    stamp = stamps.make(ran.seconds)
    _write_all(lab, stamp, ran.outputs)
    LOGS.mkdir(parents=True, exist_ok=True)
    files.write_text(LOGS / f"{lab.name}.stderr.txt", ran.errors)
    times.add(lab.name, "default", stamp, commit)
    return stamp


def texts_alone(lab: Lab) -> bool:
    """Writes a lab's notebooks anew without a run.

    The outputs stay if no code has changed since they were made; else there are none.

    Returns:
        Whether the outputs could stay.
    """
    path = project.ROOT / places.notebook(lab.name, "en")
    old = nbformat.read(path, as_version=4) if path.exists() else None
    if old is None or _code(old) != _code(notebook.make(lab)):
        _write_all(lab, None, {})
        return False
    _write_all(lab, stamps.from_metadata(old.metadata), notebook.outputs_of(old))
    return True


def full(lab: Lab, commit: str) -> stamps.Stamp:
    """Runs a lab with its parameters `[full]`; the notebook goes to `runs/labs`.

    Raises:
        KerastpuError: a cell fails.
    """
    ran = running.run(notebook.make(lab), lab.name, lab.parameters["full"], 8 * TIMEOUT)
    stamp = stamps.make(ran.seconds)
    LOGS.mkdir(parents=True, exist_ok=True)
    done = notebook.make(lab, stamp=stamp, outputs=ran.outputs)
    files.write_text(LOGS / f"{lab.name}.ipynb", nbformat.writes(done))
    times.add(lab.name, "full", stamp, commit)
    return stamp


def _code(made: NotebookNode) -> list[tuple[str, str]]:
    """Returns the code that outputs depend on; the install cell's changes nothing."""
    return [
        (cell.id, cell.source)
        for cell in made.cells
        if cell.cell_type == "code" and cell.id != "install"
    ]


def _write_all(lab: Lab, stamp: stamps.Stamp | None, outputs: notebook.Outputs) -> None:
    for language in LANGUAGES:
        made = notebook.make(lab, language, stamp=stamp, outputs=outputs)
        _write(made, places.notebook(lab.name, language))
        exercises = notebook.make(lab, language, is_playground=True)
        _write(exercises, places.notebook(lab.name, language, is_playground=True))


def _write(made: NotebookNode, place: str) -> None:
    text = nbformat.writes(made) + "\n"
    if len(text.encode()) > MAX_BYTES:
        raise KerastpuError(
            f"{place} takes {len(text.encode()):,} bytes; at most {MAX_BYTES:,} are "
            "allowed: draw fewer or smaller plots"
        )
    path: Path = project.ROOT / place
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)
