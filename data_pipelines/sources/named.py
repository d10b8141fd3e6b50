"""`load` finds a data set by its name.

It is looked for in $KERASTPU_DATA/<name>, in the system's packages, in Keras' cache and
in TensorFlow Datasets' cache; then TensorFlow Datasets downloads it. The first place
that has it whole is taken; `catalog.NAMED_SETS` says what is looked for where.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

from data_pipelines.errors import DataError
from data_pipelines.sources.catalog import NAMED_SETS, NamedSet
from data_pipelines.sources.locations import Place
from data_pipelines.sources.rendered import NUM_RENDERED, from_rendered
from data_pipelines.sources.source import Source

_SPELLINGS = {name.replace("_", ""): name for name in NAMED_SETS}


class Listing(NamedTuple):
    """A named set, and what was found just now at each of its locations, in order."""

    name: str
    named_set: NamedSet
    places: tuple[Place, ...]

    @property
    def is_available(self) -> bool:
        """Whether `load` may be expected to find it."""
        return any(place.reachable for place in self.places)


def names() -> tuple[str, ...]:
    """Returns the names that `load` knows."""
    return tuple(NAMED_SETS)


def find_name(text: str) -> str | None:
    """Returns the name that `text` means, "fashion-mnist" too, or None."""
    return _SPELLINGS.get(text.replace("-", "").replace("_", ""))


def load(
    name: str,
    *,
    download: bool = True,
    num_rendered: int = NUM_RENDERED,
    progress: Callable[[int, int], None] | None = None,
) -> Source:
    """Returns a data set known by name, from the first place that has it whole.

    Its official test images stay test images. `Source.notes` says which places were
    passed over and why.

    Args:
        name: "flowers", "mnist", "fashion_mnist", "cifar10" or "rendered"; hyphens are
            as good as underscores.
        download: Whether the network may be used.
        num_rendered: How many images "rendered" draws.
        progress: Called with (done, total) while images are drawn.

    Raises:
        DataError: no such name, or not to be had, with every place that was tried.
    """
    known = find_name(name)
    if known is None:
        raise DataError(
            f"{name!r}: no data set of this name; known are {', '.join(names())}"
        )
    if known == "rendered":
        return from_rendered(num_rendered, progress=progress)
    source, misses = try_load(known, download=download)
    if source is None:
        raise DataError(f"{known} is not to be had; tried {'; '.join(misses)}")
    return source


def try_load(name: str, *, download: bool) -> tuple[Source | None, list[str]]:
    """Returns the data set, or None, and why each place before it was passed over.

    Args:
        name: One of `names`.
        download: Whether the network may be used.
    """
    named_set = NAMED_SETS[name]
    misses: list[str] = []
    for location in named_set.locations:
        if location.needs_network and not download:
            continue
        place, reachable, why = location.look()
        if not reachable:
            misses.append(f"{place}: {why}")
            continue
        try:
            source = location.read()
        except DataError as error:
            misses.append(f"{place}: {error}")
        else:
            notes = (*source.notes, *_incomplete(source, name, named_set), *misses)
            return replace(source, notes=notes), misses
    return None, misses


def look(name: str, *, network: bool = True) -> tuple[Place, ...]:
    """Returns the places where a data set is looked for, in order, and what is there.

    Args:
        name: One of `names`.
        network: Whether to ask other machines, which takes up to
            `hosts.ANSWER_SECONDS`.
    """
    return tuple(
        location.look()
        for location in NAMED_SETS[name].locations
        if network or not location.needs_network
    )


def list_named(*, network: bool = True) -> tuple[Listing, ...]:
    """Returns all named sets and what is at their places, which are asked at once.

    Args:
        network: As for `look`.
    """
    with ThreadPoolExecutor(len(NAMED_SETS)) as pool:
        places = pool.map(lambda name: look(name, network=network), NAMED_SETS)
        return tuple(
            Listing(name, named_set, found)
            for (name, named_set), found in zip(NAMED_SETS.items(), places, strict=True)
        )


def _incomplete(source: Source, name: str, named_set: NamedSet) -> tuple[str, ...]:
    """Says so where scores cannot be compared with what others publish."""
    num_found = len(source.examples)
    if not named_set.num_test or num_found == named_set.num_images:
        return ()
    return (
        f"{source.name}: {num_found:,} of {name}'s {named_set.num_images:,} images",
    )
