"""What is in a data set, before anyone trains on it: figures, copies, bad files."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from data_pipelines.errors import DataError
from data_pipelines.inspection import likeness
from data_pipelines.inspection.measuring import Measured, measure_all
from data_pipelines.shards import splits
from data_pipelines.shards.manifest import Manifest
from data_pipelines.sources.source import Source
from data_pipelines.sources.tfrec_source import from_tfrecords

# From here on, a classifier that only ever names the largest class looks good.
NOTABLE_IMBALANCE = 3.0


@dataclass(frozen=True)
class Spread:
    """The smallest, the middle and the largest of some numbers."""

    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True)
class Inspection:
    """The figures of a data set: over every good image, none over a sample.

    Attributes:
        name: Where the data is, for people.
        class_names: Names by class number.
        class_counts: Images per class, for every split.
        is_split_by_source: Whether the data comes split; else the splits are those
            that `prepare` makes unless told otherwise.
        num_bytes: Of all encoded images.
        formats: Images per file format.
        width: In pixels, of upright images.
        height: In pixels.
        aspect: width / height.
        channel_means: Of red, green and blue over all pixels, 0..255.
        channel_stds: Standard deviations of the same.
        gray_share: Share of images whose three channels are equal, 0..1.
        duplicates: Images with the same bytes.
        near_duplicates: Validation and test images that look like one of another
            split; see `likeness.find_similar`.
        bad: One line for every file that is no good image.
        notes: What the source says of itself.
    """

    name: str
    class_names: tuple[str, ...]
    class_counts: dict[str, tuple[int, ...]]
    is_split_by_source: bool
    num_bytes: int
    formats: dict[str, int]
    width: Spread
    height: Spread
    aspect: Spread
    channel_means: tuple[float, ...]
    channel_stds: tuple[float, ...]
    gray_share: float
    duplicates: tuple[splits.Duplicates, ...]
    near_duplicates: tuple[likeness.LookAlike, ...]
    bad: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def num_images(self) -> int:
        """Good images in all."""
        return sum(self.class_totals)

    @property
    def class_totals(self) -> tuple[int, ...]:
        """Images of every class, in all splits together."""
        return tuple(map(sum, zip(*self.class_counts.values(), strict=True)))

    @property
    def imbalance(self) -> float | None:
        """Images in the largest class for each in the smallest; None without."""
        smallest = min(self.class_totals)
        return max(self.class_totals) / smallest if smallest else None

    def findings(self) -> tuple[str, ...]:
        """Returns what should be looked at before training, a line each."""
        conflicts = sum(group.is_conflict for group in self.duplicates)
        leaks = sum(group.is_leak for group in self.duplicates)
        counted = {
            "files that are no good images": len(self.bad),
            "groups of images with the same bytes": len(self.duplicates),
            "such groups filed under several classes": conflicts,
            "such groups in several splits": leaks,
            "held-out images that look like one of another split": len(
                self.near_duplicates
            ),
        }
        lines = [f"{what}: {count:,}" for what, count in counted.items() if count]
        for split, counts in self.class_counts.items():
            lacking = [
                name
                for name, count in zip(self.class_names, counts, strict=True)
                if any(counts) and not count
            ]
            if lacking:
                more = f" and {len(lacking) - 3:,} more" if len(lacking) > 3 else ""
                named = ", ".join(lacking[:3])
                lines.append(f"classes without {split} image: {named}{more}")
        if self.imbalance is None or self.imbalance >= NOTABLE_IMBALANCE:
            low, high = min(self.class_totals), max(self.class_totals)
            lines.append(f"uneven classes: {low:,} to {high:,} images")
        return tuple(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return {
            **asdict(self),
            "num_images": self.num_images,
            "imbalance": self.imbalance,
            "findings": list(self.findings()),
        }


def inspect(
    data: Source | Manifest, *, progress: Callable[[int, int], None] | None = None
) -> Inspection:
    """Reads every image once and returns what there is to know about them.

    Memory holds a few hundred bytes for each image, never all pixels.

    Args:
        data: Where the images are.
        progress: Called with (images done, images in all).

    Raises:
        DataError: not one good image, or a damaged shard.
    """
    source = data if isinstance(data, Source) else from_tfrecords(data.directory)
    measured, bad, sums = measure_all(source.examples, progress)
    if not measured:
        raise DataError(f"{source.name}: no good image; {bad[0]}")
    is_split = all(item.split for item in measured)
    members = _by_split(measured) if is_split else splits.assign(measured)
    means, squares = sums / sum(item.height * item.width for item in measured)
    return Inspection(
        name=source.name,
        class_names=source.class_names,
        class_counts=_count(members, len(source.class_names)),
        is_split_by_source=is_split,
        num_bytes=sum(item.num_bytes for item in measured),
        formats=dict(Counter(item.format for item in measured).most_common()),
        width=_spread([item.width for item in measured]),
        height=_spread([item.height for item in measured]),
        aspect=_spread([item.width / item.height for item in measured]),
        channel_means=tuple(means.tolist()),
        channel_stds=tuple(np.sqrt(np.maximum(squares - means**2, 0)).tolist()),
        gray_share=sum(item.is_gray for item in measured) / len(measured),
        duplicates=splits.find_duplicates(members, source.class_names),
        near_duplicates=likeness.find_similar(members, source.class_names),
        bad=tuple(bad),
        notes=source.notes,
    )


def _by_split(measured: Sequence[Measured]) -> dict[str, list[Measured]]:
    return {
        split: [item for item in measured if item.split == split]
        for split in splits.SPLITS
    }


def _count(
    members: dict[str, list[Measured]], num_classes: int
) -> dict[str, tuple[int, ...]]:
    return {
        split: splits.count_classes(items, num_classes)
        for split, items in members.items()
    }


def _spread(values: Sequence[float]) -> Spread:
    return Spread(min(values), float(np.median(values)), max(values))
