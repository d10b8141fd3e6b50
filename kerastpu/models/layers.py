"""What all builders share: the image input, the classifier, argument checks."""

from __future__ import annotations

import keras

from kerastpu.errors import UsageError
from kerastpu.models.preprocessing import NORMALIZATIONS, Preprocessing

INPUT = "image"
FEATURES = "features"
HEAD = "probabilities"


def check_arguments(
    input_shape: tuple[int, int, int],
    num_classes: int,
    weights: str | None,
    *,
    min_size: int,
    known_weights: tuple[str, ...] = (),
) -> None:
    """Refuses what no builder can build.

    Args:
        input_shape: (height, width, channels).
        num_classes: At least 2.
        weights: None, or one of `known_weights`.
        min_size: Smallest height and width, in pixels, that the network can halve.
        known_weights: Names of the weights that exist for the network.

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
    if weights is not None and weights not in known_weights:
        allowed = ", ".join(["None", *map(repr, known_weights)])
        raise UsageError(f"weights must be {allowed}; got {weights!r}")


def resolve_normalization(
    name: str, *, include_preprocessing: bool
) -> Preprocessing | None:
    """Returns what is done to pixels 0..255, or None for a bare network.

    Args:
        name: A key of `preprocessing.NORMALIZATIONS`: "unit" divides by 255, "mnist" subtracts the
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
    """
    image = keras.Input(input_shape, dtype="float32", name=INPUT)
    return image, image if preprocessing is None else preprocessing(image)


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
    if dropout:
        features = keras.layers.Dropout(dropout, name="dropout")(features)
    classifier = keras.layers.Dense(
        num_classes, activation="softmax", dtype="float32", name=HEAD
    )
    return keras.Model(image, classifier(features), name=name)


def freeze_backbone(model: keras.Model) -> None:
    """Makes every layer but the classifier constant, BatchNorm statistics included.

    Keras runs a BatchNorm layer that is not trainable in inference mode, also while
    the rest of the model trains. Call it before `compile`.

    Args:
        model: Made by a builder of this package; changed in place.
    """
    for layer in model.layers:
        layer.trainable = layer.name == HEAD
