"""Keeps the paths of the machine that built a notebook out of its outputs."""

import json
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from kerastpu.errors import KerastpuError
from labs_build import notebook, project

ELLIPSIS = "..."


def without(
    outputs: notebook.Outputs, folder: Path, name: str
) -> dict[str, list[NotebookNode]]:
    """Returns the outputs with the folder of the run written as `...`.

    Args:
        outputs: of each cell.
        folder: in which the lab ran and put its temporary files.
        name: of the lab, for messages.

    Raises:
        KerastpuError: another folder of this machine is in an output; names the cell.
    """
    cleaned = {}
    for key, given in outputs.items():
        text = json.dumps(given, ensure_ascii=False)
        text = re.sub(rf"(/private)?{re.escape(str(folder))}", ELLIPSIS, text)
        for path in (project.ROOT, Path.home(), Path(sys.prefix), Path("/tmp")):
            if match := re.search(rf".{{0,60}}{re.escape(str(path))}/.{{0,60}}", text):
                raise KerastpuError(
                    f"lab {name}, cell {key}: its output has a path of this machine: "
                    f"{match[0]!r}"
                )
        cleaned[key] = [nbformat.from_dict(output) for output in json.loads(text)]
    return cleaned
