"""A PyDataset feeds the same batches as tf.data, on JAX too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from data_pipelines import Augment, TrainBatches, from_folder, make_train, prepare
from kerastpu.feeding import ArrayBatches, StepBatches, mixer

STEPS, EPOCHS, FIRST = 3, 3, 2


class Recorder(keras.Model):
    """Passes its input on and keeps what it was trained on."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def train_step(self, data):
        self.seen.append([np.array(side) for side in data])
        return {"loss": 0.0}


@pytest.fixture(scope="module")
def manifest(two_class_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards") / "shards"
    return prepare(from_folder(two_class_folder), folder)


def record(batches):
    model = Recorder()
    model.compile(run_eagerly=True)
    model.fit(batches, epochs=EPOCHS, steps_per_epoch=STEPS, shuffle=False, verbose=0)
    return model.seen


@pytest.mark.parametrize("policy", [Augment(), Augment(mixup=0.4)])
def test_fit_sees_the_same_batches_in_the_same_order(manifest, policy):
    options = {"image_size": 16, "batch_size": 8, "seed": 3, "augment": policy}
    batches = TrainBatches(manifest, **options)
    fed = record(StepBatches(batches, FIRST))
    streamed = record(make_train(manifest, start_step=FIRST, **options))
    assert len(fed) == len(streamed) == STEPS * EPOCHS
    for step, (left, right) in enumerate(zip(fed, streamed, strict=True)):
        for a, b, c in zip(left, right, batches[FIRST + step], strict=True):
            assert np.array_equal(a, b) and np.array_equal(a, c)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_mixed_features_lie_between_two_rows_and_so_do_their_labels(dtype):
    rows = np.eye(6, dtype=dtype)[:, None]  # row n has its 1 in column n
    labels = np.arange(6)
    mix = mixer(Augment(mixup=1.0), 6, seed=0)
    steps = [ArrayBatches(rows, labels, 4, 0, start, mix)[0] for start in range(8)]
    for inputs, shares in steps:
        assert inputs.shape == (4, 1, 6) and inputs.dtype == np.float32
        np.testing.assert_allclose(inputs[:, 0], shares, atol=1e-3)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert any((shares < 1).all() for _, shares in steps)
    whole = ArrayBatches(rows, labels, 4, 0, 0, mix)
    for step, batch in enumerate(steps):  # the same wherever the run began
        assert all(
            np.array_equal(a, b) for a, b in zip(whole[step], batch, strict=True)
        )


def test_jax_sees_every_step_once_and_holds_few_ahead():
    script = Path(__file__).parent / "scripts" / "feed_jax.py"
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ
        | {
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": str(Path.cwd()),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["seen"] == list(range(2, 14))
    assert found["made"] <= 12 + (os.cpu_count() or 1) + 4
