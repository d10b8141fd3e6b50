"""One run that tries a lab with tiny parameters, its playground and its solutions."""

import textwrap

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from labs_build import notebook, playground, running
from labs_build.lab import Cell, Lab

# The check runs on a copy of the names, so that it leaves none behind.
_UNSOLVED = """\
try:
    exec({source!r}, dict(globals()))
except (Exception, SystemExit) as error:
    print("unsolved:", type(error).__name__, error)
else:
    raise AssertionError("{key} passes its check unsolved")
"""


def make(lab: Lab) -> NotebookNode:
    """Makes a notebook in which each check has to fail before its solution."""
    made = notebook.make(lab)
    checks = {cell.key: cell for cell in lab.cells if "check" in cell.tags}
    solutions = {cell.key: cell for cell in lab.cells if "solution" in cell.tags}
    cells: list[NotebookNode] = []
    for cell in made.cells:
        if cell.id in solutions:
            key = cell.id.removesuffix("-solution")
            cells.append(_unsolved(key, solutions[cell.id], checks[f"{key}-check"]))
        cells.append(cell)
    made.cells = cells
    return made


def _unsolved(key: str, solution: Cell, check: Cell) -> NotebookNode:
    source = f"{playground.blanked(solution)}\n{textwrap.dedent(check.source)}"
    text = _UNSOLVED.format(source=source, key=key)
    return new_code_cell(text, id=f"{key}-unsolved")


def run(lab: Lab, timeout: int = 240) -> running.Ran:
    """Runs the trial.

    Raises:
        KerastpuError: a cell fails, or a check passes without its solution.
    """
    return running.run(make(lab), lab.name, lab.parameters["tiny"], timeout)
