"""What all builders share: the image input, the classifier, argument checks."""

from __future__ import annotations

from typing import get_args

import keras

from kerastpu import pretrained
from kerastpu.config import HeadConfig, PoolingName
from kerastpu.errors import UsageError
from kerastpu.models import heads
from kerastpu.models.preprocessing import NORMALIZATIONS, Preprocessing

INPUT = "image"
FEATURES, HEAD = heads.FEATURES, heads.HEAD


def check_arguments(
    input_shape: tuple[int, int, int],
    num_classes: int,
    weights: str | None,
    *,
    min_size: int,
    known_weights: tuple[str, ...] = (),
    pooling: str | None = None,
) -> None:
    """Refuses what no builder can build.

    Args:
        input_shape: (height, width, channels); 3 channels if there are weights.
        num_classes: At least 2.
        weights: None, or one of `known_weights`; a file is for `registry.build`.
        min_size: Smallest height and width, in pixels, that the network can halve.
        known_weights: Names of the weights that exist for the network.
        pooling: None, or one of `config.PoolingName`.

    Raises:
        UsageError: says which argument, what came and what is allowed.
    """
    is_shape = (
        isinstance(input_shape, (tuple, list))
        and len(input_shape) == 3
        and all(type(size) is int for size in input_shape)
    )
    if not is_shape or min(input_shape[:2]) < min_size or input_shape[2] < 1:
        raise UsageError(
            "input_shape must be (height, width, channels) with height and width at "
            f"least {min_size} and at least one channel; got {input_shape!r}"
        )
    if type(num_classes) is not int or num_classes < 2:
        raise UsageError(
            f"num_classes must be a whole number of at least 2; got {num_classes!r}"
        )
    pretrained.check_name(weights, known_weights)
    if pretrained.is_file(weights):
        raise UsageError(
            "weights of a builder cannot be a file; build the network by its name, "
            f"with kerastpu.models.build; got {weights!r}"
        )
    if weights and input_shape[2] != 3:
        raise UsageError(
            f"weights {weights!r} need 3 channels; got input_shape {input_shape!r}"
        )
    poolings = (*get_args(PoolingName), None)
    if pooling not in poolings:
        raise UsageError(f"pooling must be one of {poolings}; got {pooling!r}")


def resolve_normalization(
    name: str, *, include_preprocessing: bool
) -> Preprocessing | None:
    """Returns what is done to pixels 0..255, or None for a bare network.

    Args:
        name: A key of `NORMALIZATIONS`: "unit" divides by 255, "mnist" subtracts the
            mean 0.1307 and divides by the standard deviation 0.3081 after that.
        include_preprocessing: False: the caller's code scales.

    Raises:
        UsageError: there is no normalization of that name.
    """
    if name not in NORMALIZATIONS:
        raise UsageError(
            f"normalization must be {' or '.join(NORMALIZATIONS)}; got {name!r}"
        )
    return NORMALIZATIONS[name] if include_preprocessing else None


def image_input(
    input_shape: tuple[int, int, int], preprocessing: Preprocessing | None
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Makes the input of a network and scales it.

    The input is float32, which takes uint8 batches as they are (Keras casts them on
    the device, after the transfer); a uint8 input would silently cut floats down to
    whole numbers.

    Args:
        input_shape: (height, width, channels).
        preprocessing: What scales the pixels, or None to pass them on as they are.

    Returns:
        The model's input, and what the first layer of the network gets.

    Raises:
        UsageError: `preprocessing` is for three channels, and there are others.
    """
    image = keras.Input(input_shape, dtype="float32", name=INPUT)
    if preprocessing is None:
        return image, image
    if isinstance(preprocessing.offset, tuple) and input_shape[2] != 3:
        raise UsageError(
            f"the preprocessing, {preprocessing.text}, needs 3 channels; got "
            f"input_shape {input_shape!r}; include_preprocessing=False leaves it out"
        )
    return image, preprocessing(image)


def finish(
    name: str,
    image: keras.KerasTensor,
    features: keras.KerasTensor,
    num_classes: int,
    *,
    include_top: bool,
    dropout: float = 0.0,
) -> keras.Model:
    """Puts a softmax classifier on `features`, float32 also under mixed precision.

    Args:
        name: Name of the model.
        image: The model's input.
        features: (batch, num_features).
        num_classes: Number of classes.
        include_top: False: no classifier, the model returns `features`.
        dropout: Share of features that are dropped in training, 0..1.

    Returns:
        The model, uncompiled.
    """
    if not include_top:
        return keras.Model(image, features, name=name)
    return heads.attach_head(
        name, image, features, num_classes, HeadConfig(dropout=dropout)
    )
