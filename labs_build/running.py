"""Runs a notebook in a fresh kernel and an empty folder; gives its outputs."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbformat import NotebookNode

from kerastpu.errors import KerastpuError
from labs_build import notebook, own_paths


@dataclass(frozen=True)
class Ran:
    """What a run gave."""

    outputs: notebook.Outputs
    """Less what was written on standard error: progress, messages of libraries."""
    seconds: float
    """From the start of the kernel to the last cell."""
    errors: str
    """What was written on standard error."""


def run(
    made: NotebookNode, name: str, parameters: Mapping[str, Any], timeout: int
) -> Ran:
    """Runs all cells of a notebook.

    Args:
        made: the notebook; is not changed.
        name: of the lab, for messages.
        parameters: values that override those of the cell tagged `parameters`.
        timeout: seconds that a cell may take.

    Raises:
        KerastpuError: a cell fails or takes too long, names lab and cell; or a path of
            this machine is in an output.
    """
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        empty, temporary = Path(folder, "here"), Path(folder, "temp")
        empty.mkdir()
        temporary.mkdir()
        source, target = Path(folder, "source.ipynb"), Path(folder, "target.ipynb")
        nbformat.write(made, source)
        start = time.perf_counter()
        # The kernel inherits these: what a lab makes lies in this folder and goes; it
        # finds no features of an earlier run, and no photos.
        inherited = {
            "TMPDIR": str(temporary),
            "KERASTPU_CACHE": str(Path(folder, "cache")),
            "KERASTPU_DATA": None,
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        with _environment(inherited):
            _execute(source, target, name, parameters, empty, timeout)
        seconds = time.perf_counter() - start
        done = nbformat.read(target, as_version=4)
        shown, errors = _parted(notebook.outputs_of(done))
        shown = own_paths.without(shown, Path(folder), name)
    return Ran(shown, seconds, errors)


def _parted(outputs: notebook.Outputs) -> tuple[dict[str, list[NotebookNode]], str]:
    """Returns the outputs less standard error, a text in one piece, and that error."""
    shown: dict[str, list[NotebookNode]] = {}
    errors: list[str] = []
    for key, given in outputs.items():
        shown[key] = []
        for output in given:
            if output.get("name") == "stderr":
                errors.append(f"[{key}] {output.text}")
            elif output.get("name") == "stdout" and _ends_with_text(shown[key]):
                shown[key][-1].text += output.text
            else:
                shown[key].append(output)
    return shown, "".join(errors)


def _ends_with_text(outputs: list[NotebookNode]) -> bool:
    return bool(outputs) and outputs[-1].output_type == "stream"


def _execute(
    source: Path,
    target: Path,
    name: str,
    parameters: Mapping[str, Any],
    folder: Path,
    timeout: int,
) -> None:
    try:
        papermill.execute_notebook(
            source,
            target,
            parameters=dict(parameters),
            kernel_name="python3",
            cwd=folder,
            progress_bar=False,
            execution_timeout=timeout,
            start_timeout=120,
        )
    except papermill.PapermillExecutionError as error:
        raise KerastpuError(
            f"lab {name}, code cell {error.exec_count}: {error.ename}: "
            f"{error.evalue}\n{error.source}"
        ) from error
    except (TimeoutError, RuntimeError) as error:  # a cell took too long; a dead kernel
        raise KerastpuError(f"lab {name}: {error}") from error


@contextmanager
def _environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Sets variables of this process, and so of its kernels; None takes one away."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
