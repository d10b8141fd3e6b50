"""The page on training: its blocks run, its inline commands are understood."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kerastpu import presets
from kerastpu.cli import parsing
from kerastpu.cli.train import TrainArguments

TEXT = (Path(__file__).parents[1] / "docs" / "training.md").read_text("utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```", TEXT, re.S | re.M)


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_block_runs(code, flower_folder, tmp_path):
    (tmp_path / "photos").symlink_to(flower_folder)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "runs").exists() == ("--workdir" in code)


def test_inline_commands_are_understood():
    commands = re.findall(r"`kerastpu (train [a-z-]+ --[^`]+)`", TEXT)
    assert len(commands) == 2
    for words in map(shlex.split, commands):
        default = TrainArguments(config=presets.get(words[1]))
        parsed = parsing.parse(TrainArguments, words[2:], "train", default)
        parsed.config.validate()
        assert parsed.config != default.config


def test_every_preset_is_named():
    for name in presets.PRESETS:
        assert f"* `{name}`" in TEXT or f"`{name}`" in TEXT.split("cards -->")[-1]
