"""What a fit is made of holds on JAX as well: the same tests, in another process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = (
    *("test_fitting.py", "test_guards.py", "test_lbfgs.py", "test_losses.py"),
    *("test_optimizers.py", "resuming/test_fits_that_break.py"),
    *("features/test_engines.py", "features/test_extraction.py"),
    *("features/test_feature_keys.py", "features/test_keeping.py"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_tests_pass_on_jax(name):
    path = Path(__file__).parent / name
    options = ["-q", "-m", "not slow", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(path)],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=290,
    )
    assert done.returncode == 0, done.stdout[-3000:]
