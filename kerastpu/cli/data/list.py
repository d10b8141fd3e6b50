"""`kerastpu data list`: data sets known by name, and shards in the cache."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from kerastpu.cli import parsing


@dataclass(frozen=True)
class ListArguments:
    """Lists data sets known by name, where each can be had, and shards in the cache."""

    network: bool = True
    """Ask the hosts that have the data sets whether they answer, for a few seconds."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ListArguments, arguments, "data list")
    from data_pipelines.sources.named import list_named
    from kerastpu import data_text, shard_cache

    listings = list_named(network=parsed.network)
    shards = shard_cache.list_shards()
    if parsed.json:
        facts = {
            "names": [data_text.listing_facts(listing) for listing in listings],
            "shards": [asdict(folder) for folder in shards],
        }
        print(json.dumps(facts, indent=2))
    else:
        print(data_text.of_listings(listings))
        print(data_text.of_cache(shard_cache.shards_root(), shards))
    return 0
