"""The page on optimizers runs as it stands, and names every field."""

import re
import shlex
from pathlib import Path

from kerastpu import presets
from kerastpu.cli import parsing
from kerastpu.cli.train import TrainArguments
from kerastpu.config.optimizer_checks import TAKEN

TEXT = (Path(__file__).parents[1] / "docs" / "optimizers.md").read_text("utf-8")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.S | re.M)


def test_python_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(blocks("python")) == 5
    exec("\n".join(blocks("python")), {})
    printed = capsys.readouterr().out
    assert "iterations" in printed
    assert "include_preprocessing=False" in printed and "moveaxis" in printed
    assert not list(tmp_path.iterdir())


def test_commands_are_understood():
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    inline = re.findall(r"`(--optimizer[^`]+)`", TEXT)
    lines += [f"kerastpu train tiny {flags}" for flags in inline]
    assert len(lines) == 4
    for line in lines:
        program, command, preset, *flags = shlex.split(line)
        assert (program, command) == ("kerastpu", "train")
        default = TrainArguments(config=presets.get(preset))
        parsed = parsing.parse(TrainArguments, flags, "train", default)
        parsed.config.validate()
        assert parsed.config != default.config


def test_table_names_every_optimizer_and_its_fields():
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|", TEXT, re.M)
    table = {name: tuple(re.findall(r"`(\w+)`", fields)) for name, fields in rows}
    assert {name: table[name] for name in TAKEN} == dict(TAKEN)
