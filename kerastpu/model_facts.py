"""What `kerastpu models` knows: the registry as plain values, one network in detail."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

from kerastpu import models
from kerastpu.models import registry


def collect() -> list[dict[str, Any]]:
    """Describes every network of the registry, in its order; imports no Keras.

    Returns:
        For each: name, family, description, source, preprocessing, image_size and
        min_size (pixels), channels, num_classes, num_parameters, flops (2 for each
        multiply-add, at image_size), is_backbone, normalizations, and weights: name,
        licence, origin, whether they are here, and where.
    """
    return [_describe(name) for name in models.REGISTRY]


def collect_one(name: str) -> dict[str, Any]:
    """Describes one network as `collect` does, and builds it to look inside.

    Args:
        name: A key of the registry.

    Returns:
        The facts of `collect`, and `options` of its builder (name, text, and default
        if it has one) and `stages` (name, stride in pixels, num_layers,
        num_parameters).

    Raises:
        UsageError: there is no such network; names those that are called alike.
    """
    entry = registry.find(name)
    shape = (entry.image_size, entry.image_size, entry.channels)
    stages = models.find_stages(models.build(name, input_shape=shape))
    return _describe(name) | {
        "options": _options(entry.load()),
        "stages": [
            {
                "name": stage.name,
                "stride": stage.stride,
                "num_layers": len(stage.layers),
                "num_parameters": stage.num_parameters,
            }
            for stage in stages
        ],
    }


def _describe(name: str) -> dict[str, Any]:
    entry = models.REGISTRY[name]
    plain = {"name": name} | {
        field.name: getattr(entry, field.name)
        for field in dataclasses.fields(entry)
        if field.name not in ("module", "builder", "variant", "preprocessing")
    }
    weights = []
    for key, source in entry.weights.items():
        is_here, text = source.availability()
        weights.append(
            {
                "name": key,
                "licence": source.licence,
                "origin": source.origin,
                "is_here": is_here,
                "where": text,
            }
        )
    return plain | {"preprocessing": entry.preprocessing.text, "weights": weights}


def _options(builder: Callable[..., Any]) -> list[dict[str, Any]]:
    """Returns name, default and documentation of each argument of a builder."""
    texts = _documented(builder)
    options = []
    for name, parameter in inspect.signature(builder).parameters.items():
        option = {"name": name, "text": texts.get(name, "")}
        if parameter.default is not parameter.empty:
            option["default"] = parameter.default
        options.append(option)
    return options


def _documented(builder: Callable[..., Any]) -> dict[str, str]:
    """Returns the arguments in the docstring: name -> text on one line."""
    document = inspect.getdoc(getattr(builder, "func", builder)) or ""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", document, re.M | re.S)
    texts = re.findall(
        r"^    (\w+): (.*?)(?=^    \w|\Z)", section[1] if section else "", re.M | re.S
    )
    return {name: " ".join(text.split()) for name, text in texts}
