"""What was trained on JAX is exported by a process with TensorFlow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "export_from_jax.py"


@pytest.mark.slow
def test_a_run_on_jax_is_exported(flower_folder, tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(flower_folder), str(tmp_path)],
        env=os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["agreements"] == [1.0] * 4
    assert found["difference"] <= 1e-4
    assert found["norms"] == 10
    assert found["refused"] == "--to must be one or more of keras, savedmodel, " + (
        "onnx, litert; got 'x'"
    )
    session = onnxruntime.InferenceSession(tmp_path / "run" / "export" / "model.onnx")
    assert session.get_inputs()[0].name == "image"
