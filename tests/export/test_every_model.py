"""Every network of the registry, small and untrained, in every format."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kerastpu import export, models

NUM_CLASSES = 3
SCRIPT = Path(__file__).parents[1] / "scripts" / "export_network.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", models.REGISTRY)
def test_it_exports_and_gives_the_same(name, tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), name, str(tmp_path), str(NUM_CLASSES)],
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=1740,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert [check["format"] for check in result["checks"]] == list(export.FORMATS)
    for check in result["checks"]:
        # The largest of three probabilities is at least a third.
        assert check["max_difference"] <= 1e-4 / NUM_CLASSES, check["file"]
    assert result["model"]["model"] == name
