"""Are the images of the shape and in the range that the model takes."""

from __future__ import annotations

import keras
import numpy as np

from kerastpu.errors import UsageError
from kerastpu.guards.outputs import is_graph
from kerastpu.models import REGISTRY, graph, layers

# Pixels of 0..1, -1..1, or with the mean of ImageNet or MNIST subtracted and divided by
# the standard deviation, all lie within this distance from 0.
_SCALED = 3.0
# One dark image proves nothing.
_SEVERAL = 3
# What no pixel that was divided reaches, and nearly every photo of 0..255 does.
_UNSCALED = 20.0
# Of a Rescaling that expects 0..255: it divides by more than that, or subtracts more.
_SMALLEST_RANGE = 50.0


def match_rank(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Returns the batch as Keras hands it on: with a last axis of 1 added or dropped.

    Args:
        model: with one input.
        images: the batch; one that fits neither way comes back as it is.
    """
    wanted = tuple(model.inputs[0].shape)
    if images.shape[-1:] == (1,) and _fits(images.shape[:-1], wanted):
        return images[..., 0]
    if wanted[-1] == 1 and _fits((*images.shape, 1), wanted):
        return images[..., None]
    return images


def check_shape(model: keras.Model, images: np.ndarray) -> None:
    """Refuses a batch of another shape than the model takes.

    Args:
        model: with one input.
        images: the batch.

    Raises:
        UsageError: says what came, and how to turn it.
    """
    wanted = tuple(model.inputs[0].shape)[1:]
    if images.ndim and _fits(images.shape[1:], wanted):
        return
    shown = f"(batch, {', '.join(str(size or 'any') for size in wanted)})"
    raise UsageError(
        f"the model takes a batch of shape {shown}; got {images.shape}"
        f"{_advice(images.shape, wanted)}"
    )


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size is None or size == came for came, size in zip(shape, wanted, strict=True)
    )


def _advice(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> str:
    """Returns what turns `shape` into (batch, *wanted), where that is plain."""
    if _fits(shape, wanted):
        return "; one image needs a batch around it: images[None]"
    if len(wanted) != 3 or len(shape) != 4:
        return ""
    sides, channels = shape[1:3], shape[3]
    if _fits((*shape[2:], shape[1]), wanted):
        return "; channels come last: numpy.moveaxis(images, 1, -1)"
    if not _fits((*sides, wanted[2] or channels), wanted):
        return ""
    if channels == 1 and wanted[2] == 3:
        return "; gray to color: images.repeat(3, axis=-1)"
    if channels == 4 and wanted[2] == 3:
        return "; leave transparency out: images[..., :3]"
    if channels == 3 and wanted[2] == 1:
        return "; color to gray: images.mean(axis=-1, keepdims=True)"
    return ""


def check_range(model: keras.Model, images: np.ndarray) -> None:
    """Refuses pixels that are scaled twice, or not at all.

    Args:
        model: judged where it scales pixels 0..255 itself, or is one of this package
            without its preprocessing.
        images: the batch; (batch, height, width, channels) is judged.

    Raises:
        UsageError: several images are in the wrong range, and none is in the right one.
    """
    if images.ndim != 4 or not images.size or images.dtype.kind not in "biufV":
        return
    flat = images.reshape(len(images), -1)
    largest = np.abs(flat).max(axis=1)
    if _scales(model):
        if np.issubdtype(images.dtype, np.integer) or largest.max() > _SCALED:
            return
        num_scaled = int((flat % 1 != 0).any(axis=1).sum())
        if num_scaled >= _SEVERAL:
            raise UsageError(
                "the model scales pixels 0..255 itself, and these are scaled already, "
                f"{flat.min():.3g}..{flat.max():.3g}; give it the pixels as they are, "
                "or build it with include_preprocessing=False"
            )
    elif _is_bare(model) and (largest > _limit(model)).sum() >= _SEVERAL:
        text = REGISTRY[model.name].preprocessing.text
        raise UsageError(
            f"{model.name} was built with include_preprocessing=False and takes scaled "
            f"pixels, {text}; these are {flat.min():.3g}..{flat.max():.3g}; build it "
            "with include_preprocessing=True, or scale them"
        )


def _scales(model: keras.Model) -> bool:
    """Returns whether the model's first layer scales pixels 0..255."""
    for operation, sources in graph.walk(model):
        if not sources or not all(map(_hands_on_pixels, sources)):
            continue
        if isinstance(operation, keras.Model) and is_graph(operation):
            return _scales(operation)
        if isinstance(operation, keras.layers.Rescaling):
            return _expects_bytes(operation)
    return False


def _hands_on_pixels(operation: keras.Operation) -> bool:
    """Returns whether it is the input, or turns RGB to BGR."""
    is_input = isinstance(operation, keras.layers.InputLayer)
    return is_input or type(operation).__name__ == "Flip"


def _expects_bytes(rescaling: keras.layers.Rescaling) -> bool:
    scale = np.abs(rescaling.scale).max()
    offset = np.abs(rescaling.offset).max()
    return bool(
        scale * _SMALLEST_RANGE <= 1
        or (scale <= 1 and offset >= scale * _SMALLEST_RANGE)
    )


def _is_bare(model: keras.Model) -> bool:
    """Returns whether it is of this package, without the layers that scale pixels."""
    last = model.layers[-1].name
    is_ours = model.name in REGISTRY and model.inputs[0].name == layers.INPUT
    return is_ours and last in (layers.HEAD, layers.FEATURES)


def _limit(model: keras.Model) -> float:
    """Returns what no pixel exceeds that was made ready for a bare network."""
    white = np.full((1, 3), 255.0)
    ready = REGISTRY[model.name].preprocessing.on_array(white)
    return max(_UNSCALED, 1.1 * float(ready.max()))
