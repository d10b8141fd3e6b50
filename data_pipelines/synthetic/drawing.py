"""Vector brushes on a supersampled Pillow canvas: a posed pen, petals, leaves, dots.

Lengths are in canvas pixels, angles in radians (0 points to the right, positive turns
clockwise on the screen, as y grows downward), colors are float RGB in 0..255.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from PIL import ImageDraw

GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
"""Angle between successive florets of a flower head (Vogel 1979)."""


def rgb(color: Iterable[float]) -> tuple[int, ...]:
    """Round and clip a float color (channels,) to what Pillow wants."""
    # Plain Python: thousands of calls per image, each far shorter than one NumPy call.
    return tuple(min(255, max(0, int(value + 0.5))) for value in color)


def as_fills(colors: np.ndarray) -> list:
    """Round and clip float colors (..., channels) to nested lists of whole numbers."""
    return np.clip(np.rint(colors), 0, 255).astype(int).tolist()


def mix(first: np.ndarray, second: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Blend two colors (3,); `share` in 0..1, any shape, is how much of `second`."""
    share = np.asarray(share, float)[..., None]
    return first * (1 - share) + second * share


_TIP = 0.985


@dataclasses.dataclass(frozen=True)
class Pen:
    """Draws in the coordinates of one flower head, which may be tilted and turned.

    Attributes:
        draw: Pillow's drawing context of the canvas.
        origin: Float (2,), where (0, 0) of the head lies on the canvas.
        matrix: Float (2, 2), from the head's coordinates to the canvas.
        light: Direction that the light comes from, on the canvas.
    """

    draw: ImageDraw.ImageDraw
    origin: np.ndarray
    matrix: np.ndarray
    light: float

    def place(self, points: np.ndarray) -> np.ndarray:
        """Map points (..., 2) of the head to canvas pixels."""
        return points @ self.matrix.T + self.origin

    def facing(self, angles: np.ndarray) -> np.ndarray:
        """Tell in -1..1 how far directions of the head, any shape, face the light."""
        seen = np.stack([np.cos(angles), np.sin(angles)], -1) @ self.matrix.T
        toward = np.array([np.cos(self.light), np.sin(self.light)])
        return seen @ toward / np.maximum(np.linalg.norm(seen, axis=-1), 1e-9)

    def polygons(self, outlines: np.ndarray, colors: np.ndarray) -> None:
        """Fill outlines (n, points, 2), one over the other, with colors (n, 3 or 4)."""
        flat = self.place(outlines).reshape(len(outlines), -1).tolist()
        for outline, fill in zip(flat, as_fills(colors), strict=True):
            self.draw.polygon(outline, fill=tuple(fill))

    def line(self, points: np.ndarray, color: np.ndarray, width: float = 1) -> None:
        """Draw the polyline (n, 2); `width` in canvas pixels, at least one."""
        flat = self.place(points).ravel().tolist()
        self.draw.line(flat, fill=rgb(color), width=max(1, round(width)))

    def dots(self, points: np.ndarray, radii: np.ndarray, colors: np.ndarray) -> None:
        """Draw round dots: points (n, 2), radii (n,), colors (n, 3)."""
        spots = self.place(points)
        boxes = np.concatenate([spots - radii[:, None], spots + radii[:, None]], 1)
        for box, fill in zip(boxes.tolist(), as_fills(colors), strict=True):
            self.draw.ellipse(box, fill=tuple(fill))


@dataclasses.dataclass(frozen=True)
class Shape:
    """Outline and tones of a petal, a ray or a leaf.

    The half width at the share u of the length is proportional to
    u**shoulder * (1 - u)**point: a small `point` is a blunt tip, 1 a pointed one.

    Attributes:
        shoulder: Exponent at the base; small is wide at once.
        point: Exponent at the tip.
        stations: Number of cross sections, the level of detail.
        columns: Number of stripes of tone across the width.
        ridge: Contrast between the sides toward and away from the light, 0..1.
        rim: Brightness of the outline as a factor; 1 leaves the outline out.
        veins: Positions across the half width, -1..1, of lines along the petal.
    """

    shoulder: float
    point: float
    stations: int = 6
    columns: int = 2
    ridge: float = 0.06
    rim: float = 0.8
    veins: tuple[float, ...] = ()

    def profile(self) -> tuple[np.ndarray, np.ndarray]:
        """Shares of the length and half widths (peak 1), each (stations,)."""
        u = (1 - np.cos(np.linspace(0, np.pi, self.stations))) / 2
        # Just short of the end, so that a blunt tip is cut off and not a needle.
        width = u**self.shoulder * (1 - _TIP * u) ** self.point
        peak = self.shoulder / (self.shoulder + self.point)
        return u, width / (peak**self.shoulder * (1 - peak) ** self.point)


@dataclasses.dataclass(frozen=True)
class Blades:
    """Where n petals or leaves of one shape lie; every array is (n,) or (n, 2).

    Attributes:
        bases: Where they start.
        angles: Where they point.
        lengths: From base to tip.
        widths: Half of the greatest width.
        bends: Sideways shift of the tip as a share of the length.
    """

    bases: np.ndarray
    angles: np.ndarray
    lengths: np.ndarray
    widths: np.ndarray
    bends: np.ndarray

    def spines(self, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
        """Center lines and half-width vectors, each (n, stations, 2)."""
        u, profile = shape.profile()
        along = np.stack([np.cos(self.angles), np.sin(self.angles)], -1)[:, None]
        across = along[..., ::-1] * (-1, 1)
        reach = (u * self.lengths[:, None])[..., None]
        shift = (u**2 * (self.bends * self.lengths)[:, None])[..., None]
        center = self.bases[:, None] + along * reach + across * shift
        return center, across * (profile * self.widths[:, None])[..., None]


def paint(
    pen: Pen, shape: Shape, blades: Blades, base: np.ndarray, tip: np.ndarray
) -> None:
    """Paint petals one over the other, in their order.

    Args:
        pen: Where to draw.
        shape: Their common outline.
        blades: Their n places.
        base: Color at the base, (3,) or one each (n, 3).
        tip: Color at the tip, likewise.
    """
    center, half = blades.spines(shape)
    v = np.linspace(-1, 1, shape.columns + 1)[None, :, None, None]
    grid = pen.place(center[:, None] + v * half[:, None])
    corners = (grid[:, :-1, :-1], grid[:, :-1, 1:], grid[:, 1:, 1:], grid[:, 1:, :-1])
    quads = np.concatenate(corners, -1).reshape(len(center), -1, 8).tolist()
    fills = _tones(pen, shape, blades, base, tip)
    rims = np.concatenate([grid[:, 0], grid[:, -1, ::-1]], 1).reshape(len(center), -1)
    veins = [pen.place((center + at * half)[:, 1:-1]) for at in shape.veins]
    middle = fills[:, fills.shape[1] // 2]
    rim_colors = as_fills(middle * shape.rim)
    vein_colors = as_fills(middle * (0.5 + shape.rim / 2))
    for i, colors in enumerate(as_fills(fills)):
        for quad, color in zip(quads[i], colors, strict=True):
            pen.draw.polygon(quad, fill=tuple(color))
        for vein in veins:
            pen.draw.line(vein[i].ravel().tolist(), fill=tuple(vein_colors[i]), width=1)
        if shape.rim != 1:
            pen.draw.line(rims[i].tolist(), fill=tuple(rim_colors[i]), width=1)


def _tones(
    pen: Pen, shape: Shape, blades: Blades, base: np.ndarray, tip: np.ndarray
) -> np.ndarray:
    """Colors of all cells of n petals: (n, columns * (stations - 1), 3)."""
    u, _ = shape.profile()
    along = ((u[:-1] + u[1:]) / 2)[None, :, None]
    v = np.linspace(-1, 1, shape.columns + 1)
    across = ((v[:-1] + v[1:]) / 2)[None, :, None, None]
    tone = (
        np.atleast_2d(base)[:, None] * (1 - along) + np.atleast_2d(tip)[:, None] * along
    )
    tone = tone * (1 + 0.1 * pen.facing(blades.angles))[:, None, None]
    side = pen.facing(blades.angles + np.pi / 2)[:, None, None, None]
    cells = tone[:, None] * (1 + 2 * shape.ridge * side * across)
    return cells.reshape(len(cells), -1, 3)


def disk(radius: float, count: int) -> np.ndarray:
    """Spread points (count, 2) evenly in a disk as florets lie (Vogel 1979)."""
    order = np.arange(count)
    distance = radius * np.sqrt((order + 0.5) / count)
    angle = order * GOLDEN_ANGLE
    return np.stack([distance * np.cos(angle), distance * np.sin(angle)], -1)


def circle(radius: float, angles: Iterable[float] | np.ndarray) -> np.ndarray:
    """Points (n, 2) at `radius` and the angles (n,)."""
    angles = np.asarray(angles, float)
    return np.stack([np.cos(angles), np.sin(angles)], -1) * radius
