"""The network of a config: whole, or cut in two."""

import logging
from typing import Any

import keras

from data_pipelines import pixels
from kerastpu import models
from kerastpu.config import Config
from kerastpu.features import cutting
from kerastpu.models import freezing, heads

LOG = logging.getLogger("kerastpu")


def build_parts(
    config: Config, num_classes: int
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Builds a network in two parts: a frozen front, and what is to train.

    The cut lies at the features, or where `model.cut` or `model.trainable_stages` says.

    Returns:
        The whole, uint8 images -> probabilities; its front, images -> what is kept; its
        back, from there on. They share their layers.

    Raises:
        UsageError: the network cannot be cut there.
    """
    model = config.model
    backbone, kept = _build_backbone(config)
    whole = heads.attach_head(
        backbone.name,
        backbone.input,
        kept,
        num_classes,
        model.head,
        seed=config.seed,
    )
    freezing.freeze(whole, model.trainable_stages or None, model.freeze_batch_norm)
    if model.trainable_stages:
        place = cutting.place_before_stages(whole, model.trainable_stages)
    else:
        place = model.cut or kept._keras_history.operation.name
    front, back = cutting.cut(whole, place)
    front.trainable = False
    if model.cut or model.trainable_stages:
        LOG.info(
            "cut at %s, features %s; what trains:\n%s",
            place,
            front.output_shape[1:],
            models.trainable_summary(whole),
        )
    return whole, front, back


def build_whole(config: Config, num_classes: int) -> keras.Model:
    """Builds a network with its classifier, frozen as the config says."""
    model = config.model
    arguments = _arguments(config) | {"num_classes": num_classes}
    if not models.REGISTRY[model.name].is_backbone:
        return models.build(model.name, **arguments)
    whole = models.build_transfer(
        model.name,
        head=model.head,
        trainable_stages=model.trainable_stages,
        freeze_batch_norm=model.freeze_batch_norm,
        **arguments,
    )
    if model.trainable_stages is not None or model.freeze_batch_norm:
        LOG.info("what trains:\n%s", models.trainable_summary(whole))
    return whole


def _build_backbone(config: Config) -> tuple[keras.Model, keras.KerasTensor]:
    """Builds a network without its classifier; returns it and its features."""
    name, head, arguments = config.model.name, config.model.head, _arguments(config)
    if not models.REGISTRY[name].is_backbone:
        network = models.build(name, include_top=False, **arguments)
        return network, network.output
    network = models.build(name, include_top=False, pooling=None, **arguments)
    return network, heads.pooled_backbone(network, head)


def _arguments(config: Config) -> dict[str, Any]:
    """Returns what both ways to build a network take."""
    model, size = config.model, config.input.image_size
    shape = (size, size, pixels.CHANNELS[config.input.color])
    arguments: dict[str, Any] = {"input_shape": shape, "weights": model.weights}
    if model.normalization != "default":  # which only some builders take
        arguments["normalization"] = model.normalization
    return arguments
