"""A lab runs in an empty folder, and finds nothing of this machine's user."""

import pytest

from kerastpu.errors import KerastpuError
from labs_build import lab, notebook, running

LOOK = """
import os, sys, tempfile
print(os.listdir("."), os.environ.get("KERASTPU_DATA"))
print(os.path.exists(os.environ["KERASTPU_CACHE"]), tempfile.mkdtemp(prefix="mine-"))
print(SIZE)
print("progress", file=sys.stderr)
print("end")
"""


def _notebook(code):
    cells = (
        lab.Cell("parameters", True, "SIZE = 3", ("parameters",)),
        lab.Cell("look", True, code),
    )
    return notebook.make(lab.Lab("42_answers", cells, {}, {}, ()))


def test_kernel_is_fresh_and_gets_the_parameters(monkeypatch):
    monkeypatch.setenv("KERASTPU_DATA", "photos")
    ran = running.run(_notebook(LOOK), "42_answers", {"SIZE": 9}, timeout=60)
    (shown,) = ran.outputs["look"]
    files, cache, size, end = shown.text.splitlines()
    assert files == "[] None"
    assert cache.startswith("False .../temp/mine-")
    assert size == "9"
    assert end == "end"
    assert "[look] progress" in ran.errors
    assert ran.seconds > 0


def test_cell_that_fails_names_the_lab_and_the_reason():
    with pytest.raises(KerastpuError, match=r"lab 42_answers.* ZeroDivisionError"):
        running.run(_notebook("1 / 0"), "42_answers", {}, timeout=60)
