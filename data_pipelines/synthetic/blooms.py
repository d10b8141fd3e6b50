"""The five flower heads, each drawn around (0, 0) of a pen with a given radius."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from data_pipelines.synthetic import palettes
from data_pipelines.synthetic.drawing import (
    GOLDEN_ANGLE,
    Blades,
    Pen,
    Shape,
    circle,
    disk,
    mix,
    paint,
)

WHITE = np.array([255.0, 255, 255])
DARK = np.array([46.0, 26, 14])


def _ring(
    rng: np.random.Generator,
    count: int,
    inner: float,
    length: float,
    width: float,
    wobble: float = 1.0,
) -> Blades:
    """Lay `count` petals around a circle of radius `inner`, none quite regular."""
    angles = np.arange(count) * 2 * np.pi / count + rng.uniform(0, 2 * np.pi)
    angles = angles + rng.normal(0, 0.25 * wobble, count) * np.pi / count
    # Without the shuffle each petal would lie over its left neighbor: a pinwheel.
    angles = rng.permutation(angles)
    return Blades(
        circle(inner, angles),
        angles,
        length * rng.normal(1, 0.05 * wobble, count),
        width * rng.normal(1, 0.08 * wobble, count),
        rng.normal(0, 0.05 * wobble, count),
    )


def _shades(rng: np.random.Generator, color: np.ndarray, count: int) -> np.ndarray:
    """Vary a color (3,) in brightness from petal to petal: (count, 3)."""
    return color * rng.normal(1, 0.045, (count, 1))


def _florets(
    pen: Pen,
    rng: np.random.Generator,
    radius: float,
    count: int,
    center: np.ndarray,
    edge: np.ndarray,
) -> None:
    """Fill a round disk with florets, darker away from the light."""
    rim = circle(radius * 1.03, np.linspace(0, 2 * np.pi, 28))
    pen.polygons(rim[None], edge[None] * 0.6)
    points = disk(radius * 0.97, count) + rng.normal(0, radius * 0.015, (count, 2))
    distance = np.linalg.norm(points, axis=1) / radius
    facing = pen.facing(np.arctan2(points[:, 1], points[:, 0]))
    lit = 1 + 0.22 * distance * facing + rng.normal(0, 0.11, count)
    colors = mix(center, edge, np.clip(distance, 0, 1) ** 1.5) * lit[:, None]
    size = radius * 0.95 / np.sqrt(count)
    pen.dots(points, np.full(count, size), colors * 0.72)
    pen.dots(points - size * 0.25, np.full(count, size * 0.62), colors * 1.08)


def daisy(pen: Pen, rng: np.random.Generator, radius: float) -> None:
    """Draw many slim blunt petals around a small bright disk."""
    color = palettes.pick(rng, "daisy")
    count = int(rng.integers(13, 27))
    core = radius * rng.uniform(0.2, 0.29)
    width = radius * rng.uniform(1.7, 2.6) / count
    shape = Shape(
        rng.uniform(0.4, 0.8), rng.uniform(0.14, 0.3), 6, rim=0.7, veins=(0.0,)
    )
    for scale in (1.0, 0.93)[: int(rng.integers(1, 3))]:
        ring = _ring(rng, count, core * 0.7, radius * scale - core * 0.7, width)
        tip = _shades(rng, color, count)
        base = mix(color * 0.82, np.array([226.0, 214, 130]), 0.2)
        paint(pen, shape, ring, base, tip)
    gold = np.array([244.0, 190, 40]) * rng.uniform(0.8, 1.02)
    rim = mix(gold, np.array([190.0, 110, 20]), rng.uniform(0.1, 0.8))
    _florets(pen, rng, core, int(rng.integers(60, 100)), gold, rim)


def sunflowers(pen: Pen, rng: np.random.Generator, radius: float) -> None:
    """Draw two or three rows of pointed petals around a large dark disk."""
    color = palettes.pick(rng, "sunflowers")
    count = int(rng.integers(17, 26))
    core = radius * rng.uniform(0.42, 0.54)
    width = radius * rng.uniform(2.5, 3.3) / count
    shape = Shape(rng.uniform(0.5, 0.7), rng.uniform(0.75, 1.1), 6, 2, 0.1, 0.7, (0.0,))
    base = mix(color * 0.75, np.array([176.0, 72, 16]), rng.uniform(0.15, 0.6))
    for scale, tone in ((1.0, 0.86), (0.95, 1.0)):
        ring = _ring(rng, count, core * 0.8, radius * scale - core * 0.8, width, 1.4)
        paint(pen, shape, ring, base * tone, _shades(rng, color * tone, count))
    brown = np.array([104.0, 62, 28]) * rng.uniform(0.6, 1.2)
    green = np.array([120.0, 116, 44]) * rng.uniform(0.6, 1.0)
    middle = mix(DARK * 1.5, green, rng.choice([0.0, 0.0, 0.7]))
    _florets(pen, rng, core, int(rng.integers(130, 180)), middle, brown)
    collar = circle(core * 0.93, rng.uniform(0, 2 * np.pi, 70))
    collar = collar * rng.normal(1, 0.05, (70, 1))
    amber = mix(brown * 1.3, color, 0.35) * rng.normal(1, 0.12, (70, 1))
    pen.dots(collar, np.full(70, core * 0.035), amber)


def _yellow_head(pen: Pen, rng: np.random.Generator, radius: float) -> None:
    """Draw a dense mop of thin rays in layers, with no disk."""
    color = palettes.pick(rng, "dandelion")
    deep = mix(color * 0.8, np.array([196.0, 96, 10]), rng.uniform(0.1, 0.5))
    shape = Shape(0.35, 0.1, 3, 1, 0.0, 0.7)
    layers = 5
    for layer in range(layers):
        share = layer / layers
        count = int(62 - 36 * share)
        length = radius * (1 - 0.82 * share)
        width = radius * (0.042 - 0.01 * share)
        ring = _ring(rng, count, radius * 0.02, length, width, 1.5)
        tone = _shades(rng, mix(color, deep, 0.6 * share), count)
        paint(pen, shape, ring, deep * 0.72, tone)
    curls = disk(radius * 0.2, 30) + rng.normal(0, radius * 0.02, (30, 2))
    tones = _shades(rng, mix(deep, color, 0.6), 30) * rng.normal(1, 0.1, (30, 1))
    pen.dots(curls, np.full(30, radius * 0.026), tones)


def _puff(pen: Pen, rng: np.random.Generator, radius: float) -> None:
    """Draw the seed head: a see-through ball of parachutes on fine threads."""
    white = mix(WHITE, np.array([232.0, 214, 182]), rng.uniform(0, 0.6))
    round_ = np.linspace(0, 2 * np.pi, 36)
    scales = np.array([0.94, 0.84, 0.68, 0.5])[:, None, None]
    veils = np.tile(np.append(white * 0.92, 34), (4, 1))
    pen.polygons(circle(radius, round_) * scales, veils)
    count = int(rng.integers(110, 170))
    tips = disk(radius * 0.95, count) + rng.normal(0, radius * 0.035, (count, 2))
    thread = np.append(white * 0.78, 110)
    for tip in tips[rng.random(count) < 0.6]:
        pen.line(np.stack([tip * 0.1, tip]), thread)
    spokes = 9
    turns = rng.uniform(0, 7, (count, 1)) + np.arange(spokes) * 2 * np.pi / spokes
    reach = radius * rng.uniform(0.1, 0.14) * rng.uniform(0.7, 1.2, (count, spokes, 1))
    # One stroke per parachute that returns to its hub between the spokes.
    stars = np.repeat(tips[:, None], 2 * spokes, 1)
    stars[:, ::2] += circle(1, turns) * reach
    glow = np.append(white, 170)
    for star in stars:
        pen.line(star, glow)
    brown = np.array([124.0, 98, 60]) * rng.uniform(0.6, 1.1)
    pen.dots(
        disk(radius * 0.12, 24), np.full(24, radius * 0.024), _shades(rng, brown, 24)
    )


def dandelion(pen: Pen, rng: np.random.Generator, radius: float) -> None:
    """Draw a dense head of rays or, in four of ten images, the white seed head."""
    (_puff if rng.random() < 0.4 else _yellow_head)(pen, rng, radius)


# A dark outline, then from the rim of the petal down into the shade of the next.
_BOWL_SCALES = np.array([1.015, 1.0, 0.955, 0.9, 0.82, 0.72])
_BOWL_SHARES = np.array([1.0, 0.0, 0.22, 0.4, 0.62, 0.85])


def _rose_petal(
    pen: Pen,
    rng: np.random.Generator,
    angle: float,
    radius: float,
    spread: float,
    colors: tuple[np.ndarray, np.ndarray],
) -> None:
    """Draw one broad petal: a fan with a bright rolled rim over a shaded bowl."""
    turn = np.linspace(-1, 1, 19)
    outline = radius * (1 - 0.4 * np.abs(turn) ** 3.2)
    outline = outline * (
        1 + 0.04 * np.cos(turn * rng.uniform(4, 7) + rng.uniform(0, 6))
    )
    outline = outline * (1 + rng.uniform(0, 0.06) * np.exp(-((turn * 5) ** 2)))
    rays = circle(1, angle + turn * spread)
    lit = 1 + 0.16 * float(pen.facing(np.array([angle]))[0])
    light, dark = colors
    tones = mix(light, dark, _BOWL_SHARES) * lit
    tones[0] = dark * 0.62
    fan = rays * outline[:, None]
    pen.polygons(fan * _BOWL_SCALES[:, None, None], tones)


def roses(pen: Pen, rng: np.random.Generator, radius: float) -> None:
    """Draw broad petals over one another along a spiral, tighter to the middle."""
    color = palettes.pick(rng, "roses")
    dark = mix(color * 0.5, np.array([120.0, 20, 30]), rng.uniform(0, 0.25))
    count = int(rng.integers(15, 23))
    start, hand = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1])
    curl = rng.uniform(0.75, 1.0)
    for order in range(count):
        share = order / count
        angle = start + hand * order * GOLDEN_ANGLE + rng.normal(0, 0.12)
        size = radius * (1 - share) ** curl * rng.normal(1, 0.03)
        light = mix(color * rng.normal(1, 0.03), WHITE, 0.12 * (1 - share))
        shade = mix(dark, dark * 0.8, share)
        _rose_petal(pen, rng, angle, size, rng.uniform(0.85, 1.2), (light, shade))
    turn = np.linspace(0, 4.5 * np.pi, 40)
    spiral = circle(1, start + hand * turn) * (radius * 0.012 * turn)[:, None]
    pen.line(spiral, dark * 0.7, radius * 0.025)


def tulips(pen: Pen, rng: np.random.Generator, radius: float) -> None:
    """Draw upright petals that form a cup, seen from the side; it opens upward."""
    color = palettes.pick(rng, "tulips")
    flame = palettes.pick(rng, "tulips")
    edge = mix(color, flame, rng.choice([0.0, 0.0, 0.6]))
    foot = mix(color * 0.78, np.array([196.0, 200, 110]), rng.uniform(0.05, 0.4))
    height = radius * rng.uniform(1.65, 1.9)
    lean, close = rng.uniform(0.2, 0.42), rng.uniform(0.1, 0.24)
    width = radius * rng.uniform(0.44, 0.56)
    shape = Shape(
        rng.uniform(0.4, 0.52), rng.uniform(0.5, 0.8), 11, 6, 0.1, 0.66,
        (-0.66, -0.33, 0.0, 0.33, 0.66),
    )  # fmt: skip
    inside = [[], [0.0], [-0.5, 0.5]][int(rng.integers(3))]
    front = [0.0] if rng.random() < 0.75 else [-0.4, 0.4]
    rows = [(inside, 0.68, 1.0), ([-1.0, 1.0], 0.86, 0.97), (front, 1.0, 0.86)]
    for turns, tone, tall in rows[0 if inside else 1 :]:
        turn = np.array(turns)
        count = len(turn)
        blades = Blades(
            np.stack([turn * radius * 0.16, np.full(count, radius * 0.85)], -1),
            -np.pi / 2 + turn * lean + rng.normal(0, 0.04, count),
            height * tall * rng.normal(1, 0.03, count),
            width * rng.normal(1, 0.05, count),
            -turn * close,
        )
        paint(pen, shape, blades, foot * tone, _shades(rng, edge * tone, count))


BLOOMS: dict[str, Callable[[Pen, np.random.Generator, float], None]] = {
    "daisy": daisy,
    "dandelion": dandelion,
    "roses": roses,
    "sunflowers": sunflowers,
    "tulips": tulips,
}
