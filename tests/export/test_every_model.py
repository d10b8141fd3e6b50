"""Every network of the registry, small and with random weights, in every format."""

import gc

import keras
import pytest

from kerastpu import export, models

NUM_CLASSES = 3


def build(name):
    entry = models.REGISTRY[name]
    side = max(entry.min_size, 32)
    shape = (side, side, entry.channels)
    return models.build(name, input_shape=shape, num_classes=NUM_CLASSES)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", models.REGISTRY)
def test_it_exports_and_gives_the_same(name, tmp_path):
    keras.backend.clear_session()
    gc.collect()
    build(name).save(tmp_path / "m.keras")
    result = export.export(tmp_path / "m.keras")
    assert [check.format for check in result.checks] == list(export.FORMATS)
    for check in result.checks:
        # The largest of three probabilities is at least a third.
        assert check.max_difference <= 1e-4 / NUM_CLASSES, check.file
    assert result.model["model"] == name
