"""`kerastpu data throughput DATA`: images per second, stage by stage."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.augment import Augment
from kerastpu.cli import parsing
from kerastpu.cli.data import opening
from kerastpu.errors import UsageError
from kerastpu.progress import progress

if TYPE_CHECKING:
    from data_pipelines.shards.manifest import Manifest


@dataclass(frozen=True)
class ThroughputArguments:
    """Measures the training images, stage by stage, against decoding them alone."""

    data: opening.Data
    """The images, or a folder of shards; others are made into shards in the cache, as
    training does."""
    image_size: int = 224
    """Side of the images in pixels, 16..1024."""
    batch_size: int = 64
    """Images in a batch, 1..65536."""
    rounds: int = 5
    """Passes over the images by each stage, in turns, 1..1000; medians are told."""
    json: bool = False
    """Print one JSON object."""
    augment: Augment = field(default_factory=Augment)
    """Random changes made to training images."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ThroughputArguments, arguments, "data throughput")
    _check(parsed)
    from data_pipelines import throughput
    from kerastpu import data_text

    manifest = _shards(parsed.data)
    with progress("measure") as update:
        rates = throughput.measure(
            manifest,
            image_size=parsed.image_size,
            batch_size=parsed.batch_size,
            augment=parsed.augment,
            rounds=parsed.rounds,
            progress=update,
        )
    if parsed.json:
        rows = [rate.to_dict() for rate in rates]
        print(json.dumps({"images": manifest.num_examples("train"), "stages": rows}))
    else:
        print(data_text.of_rates(rates))
    return 0


def _check(parsed: ThroughputArguments) -> None:
    """Raises UsageError for values that are not allowed."""
    for flag, value, lowest, highest in (
        ("--image-size", parsed.image_size, 16, 1024),
        ("--batch-size", parsed.batch_size, 1, 65_536),
        ("--rounds", parsed.rounds, 1, 1000),
    ):
        if not lowest <= value <= highest:
            raise UsageError(f"{flag} must be {lowest}..{highest}; got {value}")


def _shards(data: str) -> "Manifest":
    from data_pipelines.shards.manifest import MANIFEST_FILE, load_manifest
    from kerastpu import datasets
    from kerastpu.config import Config

    if (Path(data) / MANIFEST_FILE).is_file():
        return load_manifest(data)
    return datasets.prepare(Config(data=data))
