"""TensorFlow's import without its start-up messages.

TensorFlow 2.19 to 2.21 print some of them before they read TF_CPP_MIN_LOG_LEVEL
(tensorflow/tensorflow #100442), so they are taken out of what the import writes.
"""

import importlib.abc
import importlib.machinery
import os
import re
import sys
import tempfile
import types
from collections.abc import Sequence
from typing import BinaryIO

STDERR = 2
_SEVERITY = re.compile(rb"([IWEF])\d{4} \d\d:\d\d:|[-\d]+ [:.\d]+: ([IWEF]) ")
_PREAMBLE = b"WARNING: All log messages before absl::InitializeLog()"


def install(level: int) -> None:
    """Makes the first `import tensorflow` of this process quiet.

    What the process writes to its standard error during the import is held back and
    shown afterwards, less the messages below the level. A process that dies in the
    import shows none of it; with TF_CPP_MIN_LOG_LEVEL=0 it does.

    Args:
        level: 1 hides what is information, 2 warnings too, 3 errors too.
    """
    is_there = any(isinstance(finder, _Finder) for finder in sys.meta_path)
    if "tensorflow" not in sys.modules and not is_there:
        sys.meta_path.insert(0, _Finder(level))


def keep(lines: Sequence[bytes], level: int) -> list[bytes]:
    """Returns the lines that are no log messages, or messages of the level or above."""
    return [line for line in lines if _severity(line) >= level]


def _severity(line: bytes) -> float:
    if line.startswith(_PREAMBLE):
        return 0
    found = _SEVERITY.match(line)
    return b"IWEF".index(found[1] or found[2]) if found else float("inf")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds `tensorflow` where the others find it, and has it loaded quietly."""

    def __init__(self, level: int) -> None:
        self._level = level

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._level)
        return spec


class _Loader(importlib.abc.Loader):
    """Loads as another loader does, and holds back what is written meanwhile."""

    def __init__(self, loader: importlib.abc.Loader, level: int) -> None:
        self._loader = loader
        self._level = level

    def create_module(
        self, spec: importlib.machinery.ModuleSpec
    ) -> types.ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader  # what others ask the module for is there again
        sys.stderr.flush()
        with tempfile.TemporaryFile() as held:
            terminal = os.dup(STDERR)
            os.dup2(held.fileno(), STDERR)
            try:
                self._loader.exec_module(module)
            finally:
                sys.stderr.flush()
                os.dup2(terminal, STDERR)
                os.close(terminal)
                self._show(held)

    def _show(self, held: BinaryIO) -> None:
        held.seek(0)
        for line in keep(held.readlines(), self._level):
            os.write(STDERR, line)
