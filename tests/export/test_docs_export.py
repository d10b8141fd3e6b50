"""The page on exports: its commands are understood, its Python runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from kerastpu.cli import parsing
from kerastpu.cli.export import ExportArguments
from kerastpu.export import targets

TEXT = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
COMMANDS = re.findall(r"^kerastpu export (.*)$", TEXT, re.M)
(PYTHON,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.S | re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command):
    words = shlex.split(command, comments=True)
    parsed = parsing.parse(ExportArguments, words, "export")
    assert targets.choose(parsed.to.split(","), parsed.precision.split(","))


def test_the_tables_name_every_file_and_bar():
    for target in targets.ALL:
        assert f"`{target.file}" in TEXT
    for needed in targets.MIN_AGREEMENT.values():
        assert f"{100 * needed:g} %" in TEXT


def test_the_python_runs(sure_run, tmp_path, monkeypatch, capsys):
    shutil.copytree(sure_run.workdir, tmp_path / "runs" / "flowers")
    monkeypatch.chdir(tmp_path)
    exec(PYTHON, {})
    assert capsys.readouterr().out.startswith("model.onnx 100.00% ")
    assert (tmp_path / "exports" / "score.py").is_file()
