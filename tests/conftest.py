"""Shared fixtures, and the rule that a test may be skipped only for a known reason."""

import dataclasses
import logging
import os

import pytest

from kerastpu import backend

# The tests count on one CPU device; several are simulated in processes of their own.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
backend.use_onednn()

ALLOWED_SKIPS = (
    "KERASTPU_DATA is not set",
    "torchvision is not installed",
    "no package index",
    "oneDNN is for x86",
    "runs as root, whom permissions do not stop",
    "memory is counted as Linux does",
)
_refused: list[str] = []


def pytest_runtest_logreport(report):
    """Notes every skip whose reason is not on the list."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "unknown"
    if not any(allowed in reason for allowed in ALLOWED_SKIPS):
        _refused.append(f"{report.nodeid}: {reason}")


def pytest_collectreport(report):
    """Notes modules that are skipped whole."""
    pytest_runtest_logreport(report)


def pytest_terminal_summary(terminalreporter):
    """Prints the skips that fail the run."""
    for line in _refused:
        terminalreporter.write_line(f"SKIP NOT ALLOWED {line}", red=True)


def pytest_sessionfinish(session, exitstatus):
    """Fails a run that skipped a test for a reason that is not on the list."""
    if _refused and exitstatus == 0:
        session.exitstatus = 1


@pytest.fixture(autouse=True)
def quiet_logger():
    """Takes back what a command run in this process made of the log."""
    yield
    logger = logging.getLogger("kerastpu")
    logger.handlers = []
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Keeps what the tests cache out of the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["KERASTPU_CACHE"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def flower_folder(tmp_path_factory):
    """150 rendered flowers of 96 pixels, in a plain folder of class folders."""
    from data_pipelines.synthetic import render

    folder = tmp_path_factory.mktemp("data") / "flowers"
    render.render_dataset(folder, num_images=150, size=96)
    (folder / render.MARKER).unlink()
    return folder


@pytest.fixture(scope="session")
def two_class_folder(tmp_path_factory):
    """60 images of noise, in two classes."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("data") / "pets"
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for index in range(30):
            pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture(scope="session")
def tiny_config(flower_folder):
    """Two epochs of a small convnet."""
    from kerastpu import presets

    tiny = presets.get("tiny")
    training = dataclasses.replace(tiny.training, epochs=2)
    return dataclasses.replace(tiny, data=str(flower_folder), training=training)


@pytest.fixture(scope="session")
def tiny_run(tiny_config, tmp_path_factory):
    """A finished run that trained a whole network."""
    import kerastpu

    return kerastpu.train(tiny_config, tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="session")
def head_run(flower_folder, tmp_path_factory):
    """A finished run of the default preset, at 64 pixels."""
    import kerastpu
    from kerastpu import presets

    flowers = presets.get("flowers")
    config = dataclasses.replace(
        flowers,
        data=str(flower_folder),
        input=dataclasses.replace(flowers.input, image_size=64),
        training=dataclasses.replace(
            flowers.training, epochs=8, batch_size=16, views=1
        ),
    )
    return kerastpu.train(config, tmp_path_factory.mktemp("runs") / "head")
