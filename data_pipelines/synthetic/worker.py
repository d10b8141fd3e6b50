"""One process of the renderer: `python -m data_pipelines.synthetic.worker FOLDER ...`.

It draws its share of the images and prints one line for each.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from data_pipelines.synthetic.flowers import CLASS_NAMES, draw_flower

DONE = "done"
"""The line that a worker prints for each finished image."""

_JPEG_QUALITY = 88


def encode_flower(label: int, index: int, *, size: int, seed: int) -> bytes:
    """Draw image `index` of a class, (size, size, 3), and encode it as JPEG."""
    buffer = io.BytesIO()
    pixels = draw_flower(label, (seed, index), size)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def image_path(position: int) -> Path:
    """Path in the folder of the image at `position`; the classes take turns."""
    index, label = divmod(position, len(CLASS_NAMES))
    name = CLASS_NAMES[label]
    return Path(name) / f"{name}_{index:05d}.jpg"


def render_share(
    folder: Path, num_images: int, size: int, seed: int, worker: int, num_workers: int
) -> Iterator[int]:
    """Write every `num_workers`-th image from `worker` on; yield its position."""
    for position in range(worker, num_images, num_workers):
        index, label = divmod(position, len(CLASS_NAMES))
        data = encode_flower(label, index, size=size, seed=seed)
        (folder / image_path(position)).write_bytes(data)
        yield position


def main(arguments: list[str]) -> int:
    """Render the share that the arguments of `render_share` name."""
    folder, *numbers = arguments
    num_images, size, seed, worker, num_workers = map(int, numbers)
    share = render_share(Path(folder), num_images, size, seed, worker, num_workers)
    try:
        for _ in share:
            print(DONE, flush=True)
    except OSError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
