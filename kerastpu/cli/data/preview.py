"""`kerastpu data preview DATA --out PNG`: what augmentation makes of a few images."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_pipelines.augment import Augment
from data_pipelines.errors import DataError
from kerastpu.cli import parsing
from kerastpu.cli.data import opening
from kerastpu.errors import UsageError


@dataclass(frozen=True)
class PreviewArguments:
    """Draws a few images, each beside what augmentation makes of it."""

    data: opening.Data
    """The images: a folder, or whatever else `kerastpu data --help` tells."""
    out: Path
    """PNG file to write."""
    num: int = 4
    """Images, a row each, at random from as many classes as there are, 1..50."""
    variants: int = 6
    """Augmented variants of each, 1..50."""
    seed: int = 0
    """Chooses the images and what happens to them, 0..2^31-1."""
    size: int = 224
    """Side of each picture in pixels, 16..1024."""
    json: bool = False
    """Print one JSON object."""
    augment: Augment = field(default_factory=Augment)
    """Random changes made to training images."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(PreviewArguments, arguments, "data preview")
    _check(parsed)
    import numpy as np

    from data_pipelines.images.normalize import decode_rgb
    from data_pipelines.inspection.picking import pick_across
    from data_pipelines.inspection.preview import augmentation_grid
    from kerastpu import files

    source = opening.open_data(parsed.data)
    images, examples = [], []
    for example in pick_across(source, len(source.examples), parsed.seed):
        with contextlib.suppress(DataError):  # `inspect` lists the bad ones
            image = decode_rgb(example.read(), example.name)
            images.append(np.asarray(image))
            examples.append(example)
        if len(images) == parsed.num:
            break
    if not images:
        raise DataError(f"{source.name}: no image can be read")
    grid = augmentation_grid(
        images,
        parsed.augment,
        size=parsed.size,
        columns=parsed.variants,
        seed=parsed.seed,
        titles=[source.class_names[item.label] for item in examples],
    )
    parsed.out.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(parsed.out) as temporary:
        grid.save(temporary, "PNG")
    _tell(parsed, [item.name for item in examples])
    return 0


def _check(parsed: PreviewArguments) -> None:
    """Raises UsageError for values that are not allowed."""
    for flag, value, lowest, highest in (
        ("--num", parsed.num, 1, 50),
        ("--variants", parsed.variants, 1, 50),
        ("--seed", parsed.seed, 0, 2**31 - 1),
        ("--size", parsed.size, 16, 1024),
    ):
        if not lowest <= value <= highest:
            raise UsageError(f"{flag} must be {lowest}..{highest}; got {value}")
    if parsed.out.suffix.lower() != ".png":
        raise UsageError(f"--out must end in .png; got {parsed.out}")
    opening.check_out(parsed.out, parsed.data)


def _tell(parsed: PreviewArguments, names: Sequence[str]) -> None:
    if parsed.json:
        print(json.dumps({"picture": str(parsed.out), "images": names}, indent=2))
        return
    print(f"{parsed.out}: {len(names)} images, {parsed.variants} variants of each")
    if parsed.augment.is_mixing:
        print("mixup and cutmix blend the images of a batch; they are not shown")
