"""Augmentation: random changes to training images, as data in a config.

A policy is an `Augment`. `augment_image` makes one image by it and `mix_batch` blends
the images of a batch; both are pure functions of their arguments, so any batch can be
made again. Functions are loaded when first used: importing `Augment` loads neither
OpenCV nor NumPy.
"""

import importlib
from typing import TYPE_CHECKING, Any

from data_pipelines.augment.policy import DEFAULT_AUGMENT, Augment

if TYPE_CHECKING:
    from data_pipelines.augment.mixing import mix_batch
    from data_pipelines.augment.stages import augment_image, num_draws

__all__ = ["DEFAULT_AUGMENT", "Augment", "augment_image", "mix_batch", "num_draws"]

_HOMES = {"augment_image": "stages", "mix_batch": "mixing", "num_draws": "stages"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(module, name)
