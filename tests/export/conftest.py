"""One run, exported in every format and precision."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import kerastpu
from kerastpu import export, presets

COLORS = {"blue": (40, 60, 200), "green": (40, 180, 60), "red": (210, 50, 40)}


@pytest.fixture(scope="session")
def color_folder(tmp_path_factory):
    """120 noisy images of three colors, which the smallest network tells apart."""
    folder = tmp_path_factory.mktemp("data") / "colors"
    random = np.random.default_rng(0)
    for name, color in COLORS.items():
        (folder / name).mkdir(parents=True)
        for index in range(40):
            noise = random.integers(-40, 41, (56, 60, 3))
            pixels = np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture(scope="session")
def sure_run(color_folder, tmp_path_factory):
    """A finished run whose classes do not hang on a rounding."""
    tiny = presets.get("tiny")
    training = dataclasses.replace(tiny.training, epochs=12, batch_size=16)
    config = dataclasses.replace(tiny, data=str(color_folder), training=training)
    run = kerastpu.train(config, tmp_path_factory.mktemp("runs") / "sure")
    assert run.accuracy > 0.9
    return run


@pytest.fixture(scope="session")
def exported(sure_run):
    """The run's export folder, with all that there is."""
    return export.export(sure_run, precisions=export.PRECISIONS)
