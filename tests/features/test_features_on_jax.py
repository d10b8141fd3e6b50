"""Computing and keeping hold on JAX: the same tests, in another process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = ("engines", "extraction", "feature_keys", "keeping")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_tests_pass_on_jax(name):
    path = Path(__file__).with_name(f"test_{name}.py")
    options = ["-q", "-m", "not slow", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(path)],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=290,
    )
    assert done.returncode == 0, done.stdout[-3000:]
