"""Peak memory is this process's own, in bytes."""

import subprocess
import sys

import numpy as np

SCRIPT = """
import numpy as np
from kerastpu.peak_memory import peak_memory
before = peak_memory()
array = np.ones(10_000_000)
del array
print(before, peak_memory() - before)
"""


def test_it_grows_by_what_was_held_and_knows_nothing_of_the_parent():
    held = np.ones(100_000_000, np.int64)
    # By fork, whose child begins with the pages of its parent.
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=int, timeout=60
    )
    assert done.returncode == 0, done.stderr
    before, grown = map(int, done.stdout.split())
    assert before < held.nbytes / 2
    assert 0.95 * 80e6 < grown < 1.2 * 80e6
