"""The page on features: its commands are understood, its Python runs."""

import re
import shlex
from pathlib import Path

import pytest

from kerastpu import presets
from kerastpu.cli import preset
from kerastpu.cli.train import TrainArguments

TEXT = (Path(__file__).parents[2] / "docs" / "features.md").read_text("utf-8")
COMMANDS = re.findall(r"^kerastpu train (.*)$", TEXT, re.M)
(PYTHON,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.S | re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command):
    words = shlex.split(command, comments=True)
    config = preset.parse(TrainArguments, words, "train").config
    config.validate()
    assert (config == presets.get(words[0])) == (len(words) == 1)


def test_the_parts_in_python_are_those_of_one_network():
    made = {}
    exec(PYTHON, made)
    assert made["front"].output_shape == made["back"].input_shape
    assert made["back"].output_shape == made["model"].output_shape
