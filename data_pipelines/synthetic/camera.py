"""What the camera adds to a drawn scene: leaves close to the lens, light, noise."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from data_pipelines.synthetic import palettes
from data_pipelines.synthetic.drawing import circle, rgb
from data_pipelines.synthetic.fields import cloud, ramp

Rng = np.random.Generator


def haze(image: Image.Image, rng: Rng) -> None:
    """Lay one or two blurred leaves, close to the lens, over `image` in place."""
    small = image.width // 4
    mask = Image.new("L", (small, small))
    pen = ImageDraw.Draw(mask)
    for _ in range(int(rng.integers(1, 3))):
        away = rng.uniform(0.5, 0.66) * small
        x, y = small / 2 + circle(away, [rng.uniform(0, 7)])[0]
        wide, high = rng.uniform(0.1, 0.26, 2) * small
        pen.ellipse((x - wide, y - high, x + wide, y + high), fill=240)
    mask = mask.filter(ImageFilter.GaussianBlur(small * rng.uniform(0.03, 0.06)))
    color = rgb(palettes.green(rng) * rng.uniform(0.5, 1.1))
    image.paste(color, mask=mask.resize(image.size, Image.Resampling.BICUBIC))


def expose(image: Image.Image, rng: Rng) -> np.ndarray:
    """Take the photo: blur, uneven light, white balance, contrast, noise.

    Args:
        image: RGB, the finished scene at its final size.
        rng: Source of the camera's settings.

    Returns:
        uint8 (size, size, 3).
    """
    size = image.width
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.002, 0.006)))
    pixels = np.asarray(image.convert("RGB", _color_matrix(rng)), np.float32)
    light = 1 + rng.uniform(0, 0.2) * cloud(rng, size, 3)
    light = light + rng.uniform(-0.25, 0.25) * (ramp(rng, size) - 0.5)
    grain = rng.standard_normal((size, size), np.float32) * rng.uniform(0.5, 5)
    pixels = pixels * light.astype(np.float32)[..., None]
    pixels += grain[..., None]
    return np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)


def _color_matrix(rng: Rng) -> tuple[float, ...]:
    """Row-wise (3, 4) matrix: saturation, exposure, white balance, contrast."""
    saturation, contrast = rng.uniform(0.75, 1.15), rng.uniform(0.85, 1.15)
    gain = rng.uniform(0.85, 1.22) * rng.normal(1, 0.04, 3)
    mixing = saturation * np.eye(3) + (1 - saturation) / 3
    matrix = contrast * gain[:, None] * mixing
    offset = np.full((3, 1), 118 * (1 - contrast))
    return tuple(np.concatenate([matrix, offset], 1).ravel().tolist())
