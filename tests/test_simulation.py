"""One CPU as several devices, each backend in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kerastpu import simulation
from kerastpu.errors import UsageError

SCRIPT = """
import json
import kerastpu
from kerastpu import errors, simulation
simulation.split_cpu(3)
found = kerastpu.resolve_accelerator()
try:
    simulation.split_cpu(2)
except errors.KerastpuError as error:
    print(json.dumps([found.num_replicas, found.platform, str(error)]))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_resolver_finds_the_devices_and_a_second_split_is_refused(backend):
    paths = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    replicas, platform, refusal = json.loads(done.stdout.splitlines()[-1])
    assert (replicas, platform) == (3, "cpu")
    assert refusal.startswith("the backend has started")


def test_no_device_is_refused():
    with pytest.raises(UsageError, match="at least 1, not 0"):
        simulation.split_cpu(0)
