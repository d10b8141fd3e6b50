"""Importing the package is cheap, and its names are what they say."""

import subprocess
import sys

HEAVY = {"tensorflow", "cv2", "keras", "matplotlib", "PIL", "numpy", "google.protobuf"}


def test_import_loads_nothing_heavy():
    code = "import sys, data_pipelines; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "data_pipelines" in done.stdout.split()
    assert not HEAVY & set(done.stdout.split())


def test_every_public_name_is_there_and_stays_what_it_is():
    import data_pipelines.shards.verify  # must not replace the function

    for name in data_pipelines.__all__:
        assert callable(getattr(data_pipelines, name)), name
    assert set(dir(data_pipelines)) == set(data_pipelines.__all__)
    assert not hasattr(data_pipelines, "no_such_name")
