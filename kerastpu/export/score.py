"""Names the class of image files by an exported ONNX file.

    python score.py photo.jpg another.png
    python score.py --model model.int8.onnx --json photos/*.jpg

Needs Python 3.11 and the packages onnxruntime, numpy and pillow, nothing else. Class
names and image size are read from the file's metadata. The pixels are those that the
model was scored on but for rounding: the same center crop and bilinear sampling, by
Pillow where training uses OpenCV. They differ by at most two levels of 255, in JPEG
files, whose color the two decode otherwise, by a few.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

INPUT, OUTPUT = "image", "probabilities"


def read_pixels(path: Path, height: int, width: int, channels: int) -> np.ndarray:
    """Returns the centered crop of an image file, resized.

    Turned as its EXIF says; transparency is laid over white; 16 bits become 8.

    Args:
        path: JPEG, PNG or whatever else Pillow reads.
        height: Of the result, in pixels.
        width: Of the result, in pixels.
        channels: 3 for RGB, 1 for gray.

    Returns:
        uint8 (height, width, channels), 0..255.

    Raises:
        OSError: the file cannot be read or is no image.
    """
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((wide + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    scale = min(image.width / width, image.height / height)
    box_width, box_height = round(width * scale), round(height * scale)
    left, top = (image.width - box_width) // 2, (image.height - box_height) // 2
    image = image.crop((left, top, left + box_width, top + box_height))
    if image.size != (width, height):
        image = image.transform(
            (width, height),
            Image.Transform.EXTENT,
            (0, 0, box_width, box_height),
            Image.Resampling.BILINEAR,
        )
    if channels == 1:
        image = image.convert("L")
    return np.asarray(image).reshape(height, width, channels)


def score(
    session: onnxruntime.InferenceSession, paths: list[Path]
) -> Iterator[dict[str, Any]]:
    """Yields, for each file, path, label, probability and probabilities by name.

    Raises:
        OSError: a file cannot be read or is no image.
    """
    metadata = session.get_modelmeta().custom_metadata_map
    names = json.loads(metadata["class_names"])
    height, width = json.loads(metadata["image_size"])
    channels = json.loads(metadata["channels"])
    for path in paths:
        image = read_pixels(path, height, width, channels)
        (row,) = session.run([OUTPUT], {INPUT: image[None]})[0]
        best = int(row.argmax())
        yield {
            "path": str(path),
            "label": names[best],
            "probability": float(row[best]),
            "probabilities": dict(zip(names, map(float, row), strict=True)),
        }


def find_model() -> Path:
    """Returns the ONNX file beside this script; that in float32 where it is there."""
    folder = Path(__file__).parent
    found = [folder / "model.onnx", *sorted(folder.glob("*.onnx"))]
    return next((path for path in found if path.is_file()), found[0])


def main() -> int:
    """Runs the command; returns its exit code: 0 done, 1 a file is no good."""
    parser = argparse.ArgumentParser(
        description="Names the class of image files by an exported ONNX file."
    )
    parser.add_argument("images", nargs="+", type=Path, help="image files")
    parser.add_argument(
        "--model", type=Path, default=find_model(), help="default: the one beside this"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    arguments = parser.parse_args()
    if not arguments.model.is_file():
        parser.error(f"--model: there is no file {arguments.model}")
    session = onnxruntime.InferenceSession(
        arguments.model, providers=["CPUExecutionProvider"]
    )
    try:
        scored = list(score(session, arguments.images))
    except OSError as error:  # what is no image, too
        print(f"score.py: error: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(scored, indent=2))
        return 0
    for item in scored:
        print(f"{item['path']}: {item['label']} {item['probability']:.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
