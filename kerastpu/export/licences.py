"""Licences as far as they are on record: of first weights and of data."""

from __future__ import annotations

from data_pipelines.sources import catalog, named
from kerastpu import models, pretrained, runs

NOT_KNOWN = "not known"


def of_weights(run: runs.RunResult | None) -> str:
    """Returns the licence of the weights that training began with.

    Args:
        run: What trained the model; None where nobody knows.
    """
    if run is None:
        return NOT_KNOWN
    weights = run.config.model.weights
    if weights is None:
        return "none, they were random"
    if pretrained.is_file(weights):
        return f"{NOT_KNOWN}; they came from the file {weights}"
    source = models.REGISTRY[run.config.model.name].weights[weights]
    return f"{source.licence}; {source.origin}"


def of_data(run: runs.RunResult | None) -> str:
    """Returns the licence of the images, where they were asked for by a known name.

    A folder of that name would have been taken in its place, and is called so then.

    Args:
        run: What trained the model; None where nobody knows.
    """
    if run is None:
        return NOT_KNOWN
    asked, found = run.config.data, run.result["data"]
    if found["is_synthetic"]:
        name: str | None = "rendered"
    else:
        name = "flowers" if asked == "auto" else named.find_name(asked)
    if name is None or found["name"] == asked:
        return NOT_KNOWN
    licence = catalog.NAMED_SETS[name].licence
    if licence is None:
        return NOT_KNOWN
    place = found["name"]
    return f"{name} is published under {licence}; what lies at {place} was not checked"
