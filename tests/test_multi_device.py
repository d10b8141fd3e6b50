"""N replicas train as one would; each backend in a process of its own."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

SCRIPTS = Path(__file__).parent / "multi_device"
TIMEOUT_SECONDS = 240
NUM_JAX_DEVICES = 4
TOLERANCE = 2e-6  # float32 sums in another order


def run(script, *arguments, **variables):
    """Runs a script; returns the JSON of its last line."""
    paths = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *map(str, arguments)],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the scripts leave their models."""
    return tmp_path_factory.mktemp("multi_device")


@pytest.fixture(scope="module")
def on_tensorflow(folder):
    return run("tensorflow_replicas.py", folder, KERAS_BACKEND="tensorflow")


@pytest.fixture(scope="module")
def on_jax(folder, on_tensorflow):
    """Comes second, as it loads what TensorFlow saved."""
    return run(
        "jax_replicas.py",
        folder,
        KERAS_BACKEND="jax",
        JAX_PLATFORMS="cpu",
        XLA_FLAGS=f"--xla_force_host_platform_device_count={NUM_JAX_DEVICES}",
    )


@pytest.fixture(params=["tensorflow", "jax"])
def findings(request):
    return request.getfixturevalue(f"on_{request.param}")


def test_training_on_replicas_equals_training_on_one(findings):
    for name in ("first_weights", "first_loss"):
        assert findings[name] < TOLERANCE, name
    for name in ("last_weights", "last_loss"):
        assert findings[name] < 10 * TOLERANCE, name
    assert findings["moved"] > 100 * TOLERANCE  # every weight and statistic was trained


def test_tensorflow_replicas_would_differ_without_prepare(on_tensorflow):
    assert on_tensorflow["unprepared"] > 100 * TOLERANCE


def test_batchnorm_statistics_are_the_same_on_every_replica(on_tensorflow):
    assert on_tensorflow["num_statistics"] == 4
    assert on_tensorflow["replicas_disagree"] == 0


def test_auto_takes_all_devices(on_tensorflow, on_jax):
    assert on_tensorflow["choice"] == ["mirrored", 2, 1]
    assert on_jax["choice"] == ["data-parallel", NUM_JAX_DEVICES, 1]
    assert on_jax["devices_of_a_weight"] == NUM_JAX_DEVICES


def test_jax_kinds_and_refusals(on_jax):
    assert on_jax["kinds"] == {
        "mirrored": "data-parallel",
        "data-parallel": "data-parallel",
        "single": "single",
        "cpu": "cpu",
    }
    assert "no TPU" in on_jax["tpu"] and "cpu:0" in on_jax["tpu"]
    assert "KERAS_BACKEND=tensorflow" in on_jax["other_backend"]


def test_the_jax_distribution_is_current_inside_the_scope_only(on_jax):
    assert on_jax["inside"] and on_jax["outside"]


def test_saved_models_are_plain_and_load_on_the_other_backend(folder, on_jax):
    assert on_jax["loaded"] < TOLERANCE
    loaded = keras.models.load_model(folder / "jax.keras")
    images = np.load(folder / "images.npy")
    expected = np.load(folder / "jax.npy")
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=2e-6)
    for name in ("tensorflow.keras", "jax.keras"):
        config = zipfile.ZipFile(folder / name).read("config.json").decode()
        assert '"synchronized": false' in config
        assert '"synchronized": true' not in config


def test_a_model_trains_on_jax_where_tensorflow_is_absent(on_jax):
    assert not on_jax["tensorflow"]
    assert on_jax["losses"][-1] < 0.7 * on_jax["losses"][0]
