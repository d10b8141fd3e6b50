"""What is around a flower: backgrounds, stems, leaves, leaves in front.

Backgrounds are drawn at the final size and scaled up under the flower, which is drawn
larger and scaled down: only it gets smooth edges.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from data_pipelines.synthetic import palettes
from data_pipelines.synthetic.drawing import Blades, Pen, Shape, circle, paint, rgb
from data_pipelines.synthetic.fields import cloud, ramp

Rng = np.random.Generator
LEAF = Shape(0.6, 0.9, 8, 2, 0.14, 0.72, (-0.5, 0.0, 0.5))
STRAP = Shape(0.3, 0.7, 9, 2, 0.14, 0.76, (-0.4, 0.0, 0.4))
FAR_LEAF = Shape(0.6, 0.9, 5, 2, 0.14, 0.72)
STEM = Shape(0.02, 0.02, 14, 2, 0.25, 0.75)


def _blend(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> Image.Image:
    """Image of the shape of `share`, 0..1, that goes from one color to the other."""
    levels = Image.fromarray(np.clip(share * 255, 0, 255).astype(np.uint8))
    # One table of 256 entries per channel: much cheaper than blending each pixel.
    table = np.linspace(first, second, 256).clip(0, 255).astype(int).T
    return Image.merge("RGB", [levels.point(channel.tolist()) for channel in table])


def _sky(rng: Rng, size: int) -> Image.Image:
    blue = np.array([90.0, 150, 220]) * rng.uniform(0.75, 1.1)
    haze = np.array([214.0, 226, 238]) * rng.uniform(0.85, 1.02)
    height = np.linspace(0, 1, size)[:, None] ** 1.3
    clouds = 0.5 * cloud(rng, size, 4) + 0.25 * cloud(rng, size, 9)
    return _blend(
        blue, haze, height * 0.7 + np.clip(clouds, 0, 1) * rng.uniform(0, 1.2)
    )


def _plain(rng: Rng, size: int) -> Image.Image:
    first = np.array(rng.uniform(30, 225)) + rng.normal(0, 16, 3)
    second = first * rng.uniform(0.45, 0.9) + rng.normal(0, 14, 3)
    return _blend(first, second, ramp(rng, size) + 0.2 * cloud(rng, size, 4))


def _soil(rng: Rng, size: int) -> Image.Image:
    brown = np.array([122.0, 88, 58]) * rng.uniform(0.6, 1.15)
    field = 0.5 + 0.3 * cloud(rng, size, 6) + 0.3 * cloud(rng, size, 30)
    image = _blend(brown * 0.5, brown * 1.2, field)
    draw = ImageDraw.Draw(image)
    for x, y, tone in rng.uniform(0, 1, (70, 3)):
        wide, high = rng.uniform(0.004, 0.022, 2) * size
        left, top = x * size, y * size
        draw.ellipse((left, top, left + wide, top + high), rgb(brown * (0.4 + tone)))
    return image


def _grass(rng: Rng, size: int) -> Image.Image:
    color = palettes.green(rng)
    image = _blend(color * 0.4, color * 0.75, 0.5 + 0.5 * cloud(rng, size, 5))
    draw = ImageDraw.Draw(image)
    count = 150
    foot = rng.uniform(0, 1.2, (count, 2)) * size
    foot = foot[np.argsort(foot[:, 1])]
    top = foot + rng.normal((0, -0.28), (0.1, 0.09), (count, 2)) * size
    wide = rng.uniform(0.006, 0.014, count) * size
    tones = rng.uniform(0.55, 1.3, count)
    for (x, y), (u, v), half, tone in zip(foot, top, wide, tones, strict=True):
        draw.polygon((x - half, y, x + half, y, u, v), fill=rgb(color * tone))
    return image


def _bokeh(rng: Rng, size: int) -> Image.Image:
    color = palettes.green(rng) * rng.uniform(0.35, 1.0)
    image = _blend(color, color * rng.uniform(0.4, 1.5), ramp(rng, size))
    draw = ImageDraw.Draw(image, "RGBA")
    lights = [*palettes.all_colors(), *(palettes.green(rng) * 1.3 for _ in range(8))]
    for _ in range(int(rng.integers(8, 26))):
        x, y = rng.uniform(0, size, 2)
        r = rng.uniform(0.03, 0.12) * size
        light = lights[rng.integers(len(lights))]
        glow = np.append(light, rng.uniform(40, 150))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=rgb(glow))
    return image.filter(ImageFilter.BoxBlur(size * rng.uniform(0.004, 0.02)))


def _foliage(rng: Rng, size: int) -> Image.Image:
    color = palettes.green(rng) * rng.uniform(0.5, 1.0)
    image = _blend(color * 0.3, color * 0.6, 0.5 + 0.5 * cloud(rng, size, 5))
    pen = Pen(ImageDraw.Draw(image), np.zeros(2), np.eye(2), rng.uniform(-2.6, -0.5))
    count = 26
    blades = Blades(
        rng.uniform(-0.1, 1.1, (count, 2)) * size,
        rng.uniform(0, 2 * np.pi, count),
        rng.uniform(0.2, 0.42, count) * size,
        rng.uniform(0.04, 0.1, count) * size,
        rng.normal(0, 0.12, count),
    )
    tones = color * np.sort(rng.uniform(0.55, 1.2, (count, 1)), axis=0)
    paint(pen, FAR_LEAF, blades, tones * 0.75, tones)
    return image


BACKGROUNDS: dict[str, Callable[[Rng, int], Image.Image]] = {
    "sky": _sky,
    "plain": _plain,
    "soil": _soil,
    "grass": _grass,
    "bokeh": _bokeh,
    "foliage": _foliage,
}


def background(rng: Rng, size: int) -> tuple[Image.Image, bool]:
    """Draw one of the backgrounds, often out of focus.

    Returns:
        The image (size, size) and whether it is near enough to take a shadow.
    """
    name = list(BACKGROUNDS)[rng.integers(len(BACKGROUNDS))]
    image = BACKGROUNDS[name](rng, size)
    blur = size * max(0.0, rng.uniform(-0.01, 0.025))
    image = image.filter(ImageFilter.BoxBlur(blur)) if blur > 0 else image
    return image, name not in ("sky", "bokeh")


def shadow(image: Image.Image, center: np.ndarray, radius: float, light: float) -> None:
    """Darken `image` in place where a head of `radius` keeps the light off."""
    small = image.width // 4
    mask = Image.new("L", (small, small))
    x, y = (center - circle(radius * 0.3, [light])[0]) / 4
    r = radius * 0.85 / 4
    ImageDraw.Draw(mask).ellipse((x - r, y - r, x + r, y + r), fill=90)
    mask = mask.filter(ImageFilter.BoxBlur(r * 0.35))
    image.paste((8, 12, 8), mask=mask.resize(image.size, Image.Resampling.BILINEAR))


def stem(
    pen: Pen, rng: Rng, start: np.ndarray, angle: float, width: float, length: float
) -> None:
    """Draw a bent stem from `start`, `length` long, with up to three leaves."""
    color = palettes.green(rng)
    blades = Blades(
        start[None], np.array([angle]), np.array([length]), np.array([width]),
        rng.normal(0, 0.15, 1),
    )  # fmt: skip
    center, _ = blades.spines(STEM)
    paint(pen, STEM, blades, color * 0.95, color * 0.8)
    count = int(rng.integers(0, 4))
    if not count:
        return
    knots = center[0, np.sort(rng.integers(2, 7, count))]
    turns = rng.choice([-1, 1], count) * rng.uniform(0.4, 1.0, count)
    leaf = LEAF if rng.random() < 0.5 else STRAP
    slim = 1.0 if leaf is LEAF else 0.55
    leaves = Blades(
        knots,
        angle + np.pi + turns,
        width * rng.uniform(14, 26, count),
        width * rng.uniform(3.5, 6, count) * slim,
        rng.normal(0, 0.2, count),
    )
    paint(pen, leaf, leaves, color * 0.7, color * rng.uniform(0.85, 1.2))


def collar(pen: Pen, rng: Rng, radius: float) -> None:
    """Draw leaves that stick out from under a head seen from above."""
    count = int(rng.integers(2, 6))
    color = palettes.green(rng)
    angles = rng.uniform(0, 2 * np.pi, count)
    leaves = Blades(
        circle(radius * 0.3, angles),
        angles,
        radius * rng.uniform(0.8, 1.5, count),
        radius * rng.uniform(0.12, 0.28, count),
        rng.normal(0, 0.15, count),
    )
    paint(pen, LEAF, leaves, color * 0.6, color * rng.uniform(0.8, 1.15))


def foreground(pen: Pen, rng: Rng, size: int) -> None:
    """Draw one to four leaves or blades of grass from the border over the scene."""
    count = int(rng.integers(1, 5))
    angles = rng.uniform(0, 2 * np.pi, count)
    color = palettes.green(rng) * rng.uniform(0.6, 1.1)
    is_grass = rng.random() < 0.5
    blades = Blades(
        circle(0.72 * size, angles),
        angles + np.pi + rng.normal(0, 0.35, count),
        size * rng.uniform(0.45, 0.85, count),
        size * rng.uniform(0.012, 0.02, count) * (1 if is_grass else 4),
        rng.normal(0, 0.2, count),
    )
    tip = color * rng.uniform(0.8, 1.15, (count, 1))
    paint(pen, STRAP if is_grass else LEAF, blades, color * 0.7, tip)
