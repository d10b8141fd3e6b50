"""Reads an HDF5 file in a process of its own.

The HDF5 library, written in C, can crash on a damaged file, or read one for ever (seen
with HDF5 1.14 and one byte changed in the heap that names lie in); neither can be
caught in the process that it happens in. What it has read once without trouble, it can
be trusted to read again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kerastpu.errors import KerastpuError

# Reading takes a fraction of this even from a slow disk.
_SECONDS = 30
_BYTES_PER_SECOND = 5 << 20

_CODE = (
    "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).read(sys.argv[3])"
)


def check(path: Path) -> None:
    """Refuses a file that cannot be read from one end to the other.

    Args:
        path: See `hdf5.open_layers`.

    Raises:
        KerastpuError: there is no such file, it is no file of weights, or damaged.
    """
    run(__name__, path)


def run(module: str, path: Path) -> str:
    """Lets the function `read` of a module read a file in another process.

    Args:
        module: Its `read` takes the path as a text. It prints what it found; or what is
            wrong with the file, and exits with 1.
        path: The file.

    Returns:
        What it printed.

    Raises:
        KerastpuError: something is wrong with the file, or the process crashed or came
            to no end.
    """
    size = path.stat().st_size if path.is_file() else 0
    package = Path(__file__).parents[2]
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-X", "utf8", "-c", _CODE),
                *(str(package), module, str(path)),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS + size / _BYTES_PER_SECOND,
        )
    except subprocess.TimeoutExpired:
        raise KerastpuError(f"{path}: damaged: reading it comes to no end") from None
    if done.returncode == 0:
        return done.stdout
    if done.returncode == 1 and done.stdout:
        raise KerastpuError(done.stdout.strip())
    raise KerastpuError(
        f"{path}: damaged: reading it ends a process with {done.returncode}"
    )


def read(path: str) -> None:
    """Reads all weights; prints what is wrong with the file and exits with 1."""
    from kerastpu.pretrained import hdf5

    try:
        with hdf5.open_layers(Path(path)) as layers:
            for layer in layers:
                layer.read()
    except KerastpuError as error:
        print(error)
        sys.exit(1)
