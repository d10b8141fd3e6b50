"""The README's code blocks run as they stand, in their order."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(
    r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.S | re.M
)


@pytest.fixture(scope="module")
def reader(flower_folder, tmp_path_factory):
    """A folder in which photos/ lies, as in that of somebody who follows the README."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(flower_folder, folder / "photos")
    return folder


def test_there_are_blocks_of_both_kinds():
    assert {kind for kind, _ in BLOCKS} == {"bash", "python"}


def test_make_targets_that_the_readme_names_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    for target in set(re.findall(r"\bmake ([a-z-]+)", text)):
        subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True
        )


@pytest.mark.parametrize(
    ("kind", "code"),
    [block for block in BLOCKS if "make " not in block[1]],
    ids=lambda value: re.sub(r"\W+", "-", value)[:30],
)
def test_block_runs(reader, kind, code):
    programs = {"bash": ["bash", "-euo", "pipefail"], "python": [sys.executable]}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*programs[kind], "-c", code],
        cwd=reader,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
