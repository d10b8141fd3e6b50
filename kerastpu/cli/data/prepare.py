"""`kerastpu data prepare DATA --out FOLDER`: checked, split shards."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerastpu.cli import parsing
from kerastpu.cli.data import opening
from kerastpu.errors import UsageError


@dataclass(frozen=True)
class PrepareArguments:
    """Checks all images, splits them and writes TFRecord shards with a manifest."""

    data: opening.Data
    """The images: a folder, or whatever else `kerastpu data --help` tells."""
    out: Path
    """Folder for the shards; what the same command left unfinished is gone on with."""
    image_size: int | None = None
    """Side in pixels of the squares to store: resized to fill, then center cropped."""
    short_side: int | None = None
    """Pixels that longer short sides are scaled down to; nothing is cropped."""
    quality: int = 95
    """JPEG quality of images that are encoded again, 1..100."""
    validation_fraction: float = 0.1
    """Share of the images that choose the best epoch."""
    test_fraction: float = 0.2
    """Share of the images kept for the final score."""
    skip_bad: bool = False
    """Leave out files that are not readable images, listing them, not stopping."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(PrepareArguments, arguments, "data prepare")
    _check(parsed)
    from data_pipelines.shards.splits import Fractions
    from data_pipelines.shards.writer import prepare
    from kerastpu import data_text
    from kerastpu.progress import progress

    source = opening.open_data(parsed.data)
    with progress("prepare shards") as update:
        manifest = prepare(
            source,
            parsed.out,
            image_size=parsed.image_size,
            short_side=parsed.short_side,
            quality=parsed.quality,
            fractions=Fractions(parsed.validation_fraction, parsed.test_fraction),
            skip_bad=parsed.skip_bad,
            progress=update,
        )
    if parsed.json:
        print(json.dumps(data_text.manifest_facts(manifest), indent=2))
    else:
        print(data_text.of_manifest(manifest))
    return 0


def _check(parsed: PrepareArguments) -> None:
    """Raises UsageError for values that no data could make sense of."""
    if parsed.image_size is not None and parsed.short_side is not None:
        raise UsageError("--image-size and --short-side exclude each other")
    for flag, value, highest in (
        ("--image-size", parsed.image_size, 2**15),
        ("--short-side", parsed.short_side, 2**15),
        ("--quality", parsed.quality, 100),
    ):
        if value is not None and not 1 <= value <= highest:
            raise UsageError(f"{flag} must be 1..{highest}; got {value}")
    held_out = (parsed.validation_fraction, parsed.test_fraction)
    if not (min(held_out) >= 0 and sum(held_out) < 1):
        raise UsageError(
            "--validation-fraction and --test-fraction must be >= 0 and leave some "
            f"for training; got {held_out[0]:g} and {held_out[1]:g}"
        )
    opening.check_out(parsed.out, parsed.data)
