"""The page on imports: its commands are understood, its Python runs."""

import re
import shlex
from pathlib import Path

import pytest

import kerastpu.cli
from kerastpu.cli import parsing
from kerastpu.importers.operators import OPERATORS
from tests.importers.graphs import normal, one

TEXT = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
COMMANDS = re.findall(r"^kerastpu import (.*)$", TEXT, re.M)
(PYTHON,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.S | re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command):
    import importlib

    module = importlib.import_module(f"{kerastpu.cli.__name__}.import")
    parsed = parsing.parse(module.ImportArguments, shlex.split(command), "import")
    assert parsed.to.suffix == ".keras"
    assert len(parsed.offset) in (0, 3)


def test_the_python_runs(tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(one("Gemm", ("n", 5), {"w": normal(5, 4)}))
    monkeypatch.chdir(tmp_path)
    made = {}
    exec(PYTHON, made)
    assert made["model"].output_shape == (None, 4)


def test_the_table_has_every_operator():
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \|", TEXT, re.M)
    assert [row[0] for row in rows] == [*sorted(OPERATORS), "all"]
    counts = {name: (int(passed), int(tests)) for name, passed, tests in rows}
    total = counts.pop("all")
    assert total == tuple(map(sum, zip(*counts.values(), strict=True)))
