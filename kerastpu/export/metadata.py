"""What travels inside an export, so that nobody has to remember it beside the file."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

NAME = "kerastpu.json"  # of the file, in formats that hold files
INPUT, OUTPUT = "image", "probabilities"


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What one needs to know to run an exported classifier.

    Attributes:
        class_names: In the order of the outputs.
        model: Name of the network.
        preset: The recipe that it was trained by; None where that is not known.
        image_size: Height and width of the images that go in, in pixels.
        channels: 3 for RGB, 1 for gray.
        precision: One of `targets.PRECISIONS`.
        preprocessing: What has to be done to pixels, in a sentence.
        kerastpu: Version that exported it.
    """

    class_names: tuple[str, ...]
    model: str
    preset: str | None
    image_size: tuple[int, int]
    channels: int
    precision: str
    preprocessing: str
    kerastpu: str

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Returns an indented JSON object, in ASCII."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    def to_strings(self) -> dict[str, str]:
        """Returns texts as they are and other values as JSON, as ONNX wants them."""
        return {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in self.to_dict().items()
        }


def describe_pixels(image_size: tuple[int, int], channels: int) -> str:
    """Returns the sentence on preprocessing."""
    height, width = image_size
    kind = "gray" if channels == 1 else "RGB"
    return (
        f"uint8 {kind} pixels 0..255 of the centered crop, resized bilinearly to "
        f"{height} x {width}, go in as they are: scaling is inside the graph"
    )
