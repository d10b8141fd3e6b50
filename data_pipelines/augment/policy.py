"""The augmentation policy: plain values that JSON, flags and a config can hold."""

from dataclasses import dataclass
from typing import Any

from data_pipelines.errors import DataError

# Of each (low, high) field: the least and the greatest value; whether the least is
# itself refused, since no crop has an area or a ratio of 0.
_PAIR_LIMITS = {
    "crop_scale": (0.0, 1.0, True),
    "crop_ratio": (0.0, 100.0, True),
    "saturation": (0.0, 100.0, False),
    "contrast": (0.0, 100.0, False),
    "brightness": (0.0, 100.0, False),
    "color_jitter": (0.0, 100.0, False),
}
_HIGHEST = {
    "rotation": 180.0,
    "hue": 0.5,
    "color_shift": 255.0,
    "darken": 1.0,
    "lighten": 1.0,
    "invert": 1.0,
    "blur": 1.0,
    "sharpen": 1.0,
    "rand_augment_ops": 14,
    "rand_augment_magnitude": 10.0,
    "cutout": 1.0,
    "mixup": 100.0,
    "cutmix": 100.0,
}


@dataclass(frozen=True)
class Augment:
    """What is done to training images, in the order of `stages.augment_image`.

    A pair is the range that a number is drawn from, evenly unless it says otherwise.
    None, 0 and False leave a change out.

    Raises:
        DataError: a value of the wrong kind or outside of its range.
    """

    flip: bool = True
    """Mirror left and right every second time."""
    crop_scale: tuple[float, float] | None = (0.5, 1.0)
    """Share of the area that is cut out and resized, above 0..1; None = center crop."""
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Width / height of what is cut out, drawn in logarithm, above 0..100."""
    rotation: float = 0.0
    """Largest turn either way in degrees, 0..180; edges are continued mirrored."""
    hue: float = 0.0
    """Largest move of the hue either way, as a share of the color circle, 0..0.5."""
    saturation: tuple[float, float] | None = None
    """Factor of the saturation in HSV, 0..100; 0 2 is the codelab's, 1 1 no change."""
    contrast: tuple[float, float] | None = None
    """Factor of the distance from the mean gray, 0..100; 1 1 is no change."""
    brightness: tuple[float, float] | None = None
    """Factor of all values, 0..100; 0 is black, 1 1 is no change."""
    darken: float = 0.0
    """Probability, 0..1, that values are scaled by 0.5 to 1."""
    lighten: float = 0.0
    """Probability, 0..1, that distances from white are scaled by 0.5 to 1."""
    color_jitter: tuple[float, float] | None = None
    """Factor of red, of green and of blue, 0..100; gives gray images color, too."""
    color_shift: float = 0.0
    """Largest change of red, of green and of blue, 0..255; colors gray images, too."""
    invert: float = 0.0
    """Probability, 0..1, of the negative."""
    blur: float = 0.0
    """Probability, 0..1, of a Gaussian blur with a sigma of 0.1 to 2 pixels."""
    sharpen: float = 0.0
    """Probability, 0..1, of sharpening: details are scaled by 1 to 3."""
    rand_augment_ops: int = 0
    """Operations of RandAugment done to each image, 0..14; 2 is usual."""
    rand_augment_magnitude: float = 9.0
    """Strength of RandAugment's operations, 0..10."""
    cutout: float = 0.0
    """Side of a square that is painted gray, as a share of the image's side, 0..1."""
    mixup: float = 0.0
    """Blend images, or kept features, in pairs, weight from Beta(a, a): a in 0..100,
    0.2 is usual."""
    cutmix: float = 0.0
    """Paste squares of other images, share from Beta(a, a): a in 0..100, 1 is usual."""

    def __post_init__(self) -> None:
        if not isinstance(self.flip, bool):
            raise DataError(f"augment flip must be true or false; got {self.flip!r}")
        for name, limits in _PAIR_LIMITS.items():
            self._check_pair(name, *limits)
        for name, highest in _HIGHEST.items():
            kinds = int if name == "rand_augment_ops" else int | float
            value = getattr(self, name)
            if not (_is_number(value, kinds) and 0 <= value <= highest):
                kind = "a whole number" if kinds is int else "a number"
                raise DataError(
                    f"augment {name} must be {kind} within 0..{highest:g}; "
                    f"got {value!r}"
                )

    def _check_pair(
        self, name: str, lowest: float, highest: float, is_open: bool
    ) -> None:
        value = getattr(self, name)
        if value is None and name != "crop_ratio":
            return
        is_pair = isinstance(value, tuple | list) and len(value) == 2
        if is_pair and all(_is_number(end, int | float) for end in value):
            low, high = value
            if lowest <= low <= high <= highest and not (is_open and low == lowest):
                # JSON has lists only; equal policies have to compare equal.
                object.__setattr__(self, name, (float(low), float(high)))
                return
        relation = "<" if is_open else "<="
        raise DataError(
            f"augment {name} must be (low, high) with {lowest:g} {relation} low <= "
            f"high <= {highest:g}; got {value!r}"
        )

    @property
    def is_mixing(self) -> bool:
        """Whether labels become distributions, by `mix_batch`."""
        return bool(self.mixup or self.cutmix)


def _is_number(value: Any, kinds: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


DEFAULT_AUGMENT = Augment()
