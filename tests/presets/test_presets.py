"""What every preset must be."""

import pytest

from kerastpu import presets
from kerastpu.errors import UsageError


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_preset_says_its_name_and_what_it_is(name):
    assert presets.get(name).preset == name
    line, text = presets.describe(name)
    assert text.startswith(line)
    assert len(f"  {name:<18} {line}") <= 80


@pytest.mark.parametrize("name", ["mnist-mlp", "mnist-cnn"])
def test_digits_are_gray_and_never_mirrored(name):
    config = presets.get(name)
    assert config.data == "mnist"
    assert config.input.color == "gray"
    assert not config.input.augment.flip


def test_unknown_presets_are_refused_by_name():
    for find in (presets.get, presets.describe):
        with pytest.raises(UsageError, match=r"no preset 'orchids'.*mnist-cnn"):
            find("orchids")
