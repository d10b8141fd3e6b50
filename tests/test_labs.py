"""Every lab runs from its first to its last cell, and its checks pass."""

import subprocess
import sys
from pathlib import Path

import pytest

LABS = sorted((Path(__file__).parents[1] / "labs").glob("[0-9]*.py"))


@pytest.mark.parametrize("lab", LABS, ids=lambda path: path.stem)
def test_lab_runs(lab, tmp_path):
    done = subprocess.run(
        [sys.executable, str(lab)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "all checks passed"
