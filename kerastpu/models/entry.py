"""The description of one architecture."""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kerastpu.models.preprocessing import Preprocessing
from kerastpu.pretrained import WeightSource

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class ModelEntry:
    """What is known about an architecture without building it.

    Attributes:
        module: Module that holds the builder.
        builder: Name of the builder function in `module`.
        description: One line for people.
        preprocessing: What the model does to pixels 0..255 before its first layer.
        source: Where the architecture and `num_parameters` come from.
        family: What it is listed under: its catalog's name.
        image_size: Height and width, in pixels, of the source.
        channels: Channels of the source's images.
        num_classes: Classes of the source.
        num_parameters: All parameters, BatchNorm statistics included, at
            `image_size`, `channels` and `num_classes`.
        flops: Floating-point operations of one image at the same size, as
            `kerastpu.cost` counts them: 2 for each multiply-add of convolutions and
            dense layers.
        min_size: Smallest height and width, in pixels, that it can be built for.
        is_backbone: Whether it can be built with `include_top=False` and `pooling`, for
            `kerastpu.models.build_transfer`.
        weights: Name accepted as `weights` -> where those weights come from.
        normalizations: Names accepted as `normalization`; none if weights fix it.
        variant: What the builder takes first, if it builds several networks.
    """

    module: str
    builder: str
    description: str
    preprocessing: Preprocessing
    source: str
    family: str
    image_size: int
    num_classes: int
    num_parameters: int
    flops: int
    min_size: int
    channels: int = 3
    is_backbone: bool = False
    weights: Mapping[str, WeightSource] = dataclasses.field(default_factory=dict)
    normalizations: tuple[str, ...] = ()
    variant: str | None = None

    def load(self) -> Callable[..., keras.Model]:
        """Imports and returns the builder (and with it, Keras)."""
        builder = getattr(importlib.import_module(self.module), self.builder)
        if self.variant is None:
            return builder
        return functools.partial(builder, self.variant)
