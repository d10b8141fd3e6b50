"""Notebooks of a lab: sources alone, or with the outputs of a run."""

from collections.abc import Mapping, Sequence

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labs_build import links, opening, playground, stamps
from labs_build.lab import Cell, Lab

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
Outputs = Mapping[str, Sequence[NotebookNode]]
"""The outputs of code cells by key."""


def make(
    lab: Lab,
    language: str = "en",
    *,
    is_playground: bool = False,
    stamp: stamps.Stamp | None = None,
    outputs: Outputs | None = None,
) -> NotebookNode:
    """Makes a notebook of a lab.

    Args:
        lab: the lab.
        language: of its texts: en, zh-TW or zh-CN.
        is_playground: leave of each solution only the comments it begins with.
        stamp: of the run that `outputs` are of.
        outputs: what the code cells printed; a playground gets none.
    """
    cells = [opening.badge(lab.name, language, is_playground, stamp)]
    cells += [opening.install(lab), *lab.cells]
    kept = {} if is_playground or outputs is None else outputs
    made = new_notebook(
        cells=[_cell(lab, cell, language, is_playground, kept) for cell in cells],
        metadata={
            "kernelspec": KERNEL,
            "language_info": {"name": "python"},
            "colab": {"toc_visible": True},
        },
    )
    if stamp is not None and not is_playground:
        made.metadata["kerastpu"] = stamps.to_metadata(stamp)
    nbformat.validate(made)
    return made


def _cell(
    lab: Lab, cell: Cell, language: str, is_playground: bool, outputs: Outputs
) -> NotebookNode:
    metadata: dict[str, object] = {"tags": list(cell.tags)} if cell.tags else {}
    if not cell.is_code:
        text = links.make_absolute(lab.text(cell, language), language)
        return new_markdown_cell(text, id=cell.key, metadata=metadata)
    if cell.key == "install":
        metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
    is_blank = is_playground and "solution" in cell.tags
    source = playground.blanked(cell) if is_blank else cell.source
    given = list(outputs.get(cell.key, ()))
    return new_code_cell(source, id=cell.key, metadata=metadata, outputs=given)


def outputs_of(notebook: NotebookNode) -> dict[str, list[NotebookNode]]:
    """Returns the outputs of a notebook's code cells."""
    return {
        cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"
    }


def sources(notebook: NotebookNode) -> list[tuple[str, str, str, dict[str, object]]]:
    """Returns all of a notebook but its outputs: id, kind, source, metadata."""
    return [
        (cell.id, cell.cell_type, cell.source, dict(cell.metadata))
        for cell in notebook.cells
    ]
