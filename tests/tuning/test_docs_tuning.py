"""The page on tuning: its blocks run as they stand, in their order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```", TEXT, re.S | re.M)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_blocks_run(flower_folder, tmp_path):
    (tmp_path / "photos").symlink_to(flower_folder)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for kind, code in BLOCKS:
        program = {"bash": ["bash", "-euo", "pipefail"], "python": [sys.executable]}
        done = subprocess.run(
            [*program[kind], "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "runs/search/winner/result.json").is_file()
    assert not (tmp_path / "runs/own/winner").exists()
    assert list((tmp_path / "runs/search/plots").glob("2-*-importance.png"))
