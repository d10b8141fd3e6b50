"""One run, exported in every format and precision."""

import dataclasses

import pytest

import kerastpu
from kerastpu import export, presets


@pytest.fixture(scope="session")
def sure_run(flower_folder, tmp_path_factory):
    """A finished run whose classes do not hang on a rounding."""
    tiny = presets.get("tiny")
    training = dataclasses.replace(tiny.training, epochs=12, batch_size=16)
    config = dataclasses.replace(tiny, data=str(flower_folder), training=training)
    return kerastpu.train(config, tmp_path_factory.mktemp("runs") / "sure")


@pytest.fixture(scope="session")
def exported(sure_run):
    """The run's export folder, with all that there is."""
    return export.export(sure_run, precisions=export.PRECISIONS)
