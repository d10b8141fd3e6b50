"""When an export agrees with its model, and when it does not."""

import numpy as np
import pytest

from kerastpu.export import parity
from kerastpu.export.targets import Target


def probabilities(num_images, num_others=0):
    """Returns (N, 2), 0.6 for the first class, but 0.4 for some of the images."""
    first = np.full(num_images, 0.6, np.float32)
    first[:num_others] = 0.4
    return np.stack([first, 1 - first], axis=1)


@pytest.mark.parametrize(
    ("precision", "num_images", "num_others", "is_good"),
    [
        ("float16", 776, 0, True),
        ("float16", 776, 1, False),
        ("float16", 2000, 2, True),
        ("float16", 2000, 3, False),
        ("int8", 776, 15, True),
        ("int8", 776, 16, False),
        ("int8", 10, 1, False),
    ],
)
def test_another_class_is_let_pass_for_few_of_many_images(
    precision, num_images, num_others, is_good
):
    found = probabilities(num_images, num_others)
    values = parity.compare(Target("onnx", precision), found, probabilities(num_images))
    assert (values["problem"] == "") == is_good
    assert values["agreement"] == pytest.approx(1 - num_others / num_images)
    assert values["max_difference"] == pytest.approx(0.2 if num_others else 0)


def test_float32_has_to_give_the_same_probabilities():
    found, wanted = probabilities(100), probabilities(100)
    found[0] = 0.602, 0.398
    values = parity.compare(Target("litert", "float32"), found, wanted)
    assert "differs from the model's by 2.0e-03; at most 1e-03" in values["problem"]
    assert values["agreement"] == 1


def test_what_is_not_finite_is_refused():
    found = probabilities(100)
    found[3] = np.nan
    values = parity.compare(Target("onnx", "float16"), found, probabilities(100))
    assert values["problem"] == "its probabilities are not finite"
