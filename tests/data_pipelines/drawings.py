"""Tiny images and folders of them, drawn where a test needs them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image


def draw(seed: int, height: int = 40, width: int = 48) -> Image.Image:
    """A smooth random RGB picture: coarse noise, enlarged."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encode(image: Image.Image, kind: str, **options) -> bytes:
    """Encodes an image in memory."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def make_folder(root: Path, counts: dict[str, int]) -> Path:
    """Draws a folder of class folders: JPEG, and gray PNG for every third image."""
    seed = 0
    for class_name, count in counts.items():
        (root / class_name).mkdir(parents=True)
        for index in range(count):
            height, width = 36 + seed % 7, 50 - seed % 11
            image, seed = draw(seed, height, width), seed + 1
            if index % 3:
                image.save(root / class_name / f"{index:03}.jpg", quality=90)
            else:
                image.convert("L").save(root / class_name / f"{index:03}.png")
    return root
