"""The policy: what it refuses, and that JSON and cheap imports keep it as it is."""

import dataclasses
import json
import subprocess
import sys

import pytest

import data_pipelines.augment
from data_pipelines.augment import DEFAULT_AUGMENT, Augment
from data_pipelines.errors import DataError

PAIRS = ("saturation", "contrast", "brightness", "color_jitter")
SHARES = ("darken", "lighten", "invert", "blur", "sharpen", "cutout")


def test_the_default_crops_and_mirrors_and_nothing_else():
    on = {name for name, value in vars(DEFAULT_AUGMENT).items() if value}
    assert on == {"flip", "crop_scale", "crop_ratio", "rand_augment_magnitude"}
    assert DEFAULT_AUGMENT.crop_scale == (0.5, 1.0)
    assert not DEFAULT_AUGMENT.is_mixing


@pytest.mark.parametrize(
    "policy",
    [
        {"flip": 1},
        {"crop_scale": (0, 1)},
        {"crop_scale": (0.5, 1.5)},
        {"crop_scale": (0.8, 0.5)},
        {"crop_scale": 0.5},
        {"crop_ratio": (0, 1)},
        {"crop_ratio": None},
        {"rotation": 181},
        {"rotation": (0, 5)},
        {"hue": -0.1},
        {"hue": 0.6},
        *({name: (-1, 2)} for name in PAIRS),
        *({name: (0, 1, 2)} for name in PAIRS),
        *({name: (0, float("inf"))} for name in PAIRS),
        *({name: (float("nan"), 1)} for name in PAIRS),
        *({name: ("0", "1")} for name in PAIRS),
        *({name: 1.01} for name in SHARES),
        *({name: None} for name in SHARES),
        *({name: True} for name in SHARES),
        {"color_shift": 256},
        {"rand_augment_ops": 15},
        {"rand_augment_ops": 1.5},
        {"rand_augment_magnitude": 11},
        {"mixup": -1},
        {"cutmix": float("nan")},
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_naming_the_field(policy):
    (name,) = policy
    with pytest.raises(DataError, match=f"^augment {name} must be [^\n]*; got [^\n]+$"):
        Augment(**policy)


def test_a_policy_survives_json():
    policy = Augment(saturation=(0, 2), color_jitter=(0.5, 1), rotation=10, cutmix=1)
    text = json.dumps(dataclasses.asdict(policy))
    assert Augment(**json.loads(text)) == policy
    assert hash(Augment(**json.loads(text))) == hash(policy)


def test_each_of_mixup_and_cutmix_makes_it_mix():
    assert Augment(mixup=0.2).is_mixing and Augment(cutmix=1).is_mixing


def test_importing_the_policy_loads_no_image_library():
    code = (
        "import sys; from data_pipelines.augment import Augment;"
        "print(*sorted({'cv2', 'numpy', 'PIL', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_every_public_name_is_there():
    for name in data_pipelines.augment.__all__:
        assert getattr(data_pipelines.augment, name).__module__.startswith(
            "data_pipelines.augment."
        )
    assert not hasattr(data_pipelines.augment, "no_such_name")
