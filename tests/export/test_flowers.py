"""The default preset on real photos: every export meets its bar."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import kerastpu
from kerastpu import export, presets, scoring

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not os.environ.get("KERASTPU_DATA"), reason="KERASTPU_DATA is not set"
    ),
]


@pytest.fixture(scope="module")
def folder():
    return Path(os.environ["KERASTPU_DATA"]) / "flowers"


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    config = dataclasses.replace(presets.get("flowers"), data=str(folder))
    return kerastpu.train(config, tmp_path_factory.mktemp("runs") / "flowers")


@pytest.fixture(scope="module")
def exported(run):
    return export.export(run, precisions=["float32", "float16", "int8"])


def test_every_export_meets_its_bar(exported):
    assert len(exported.checks) == 8
    accuracy = exported.reference.score.accuracy
    for check in exported.checks:
        assert check.agreement >= (0.98 if check.precision == "int8" else 0.999)
        assert abs(check.score.accuracy - accuracy) <= 0.01
        if check.precision == "float32":
            assert check.max_difference <= 1e-4


def test_the_script_says_what_predict_says(exported, run, folder):
    photos = sorted(folder.rglob("*.jpg"))[::40]
    script = exported.folder / "score.py"
    done = subprocess.run(
        [sys.executable, script, "--json", *photos], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    labels = [item["label"] for item in json.loads(done.stdout)]
    wanted = [item.label for item in scoring.predict_files(run, photos)]
    same = sum(a == b for a, b in zip(labels, wanted, strict=True))
    assert same >= 0.99 * len(photos)
