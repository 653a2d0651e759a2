"""The room itself: walls with two windows on the left, and where everything stands."""

from __future__ import annotations

import math

import numpy as np

from sample_room import furniture
from sample_room.build import Builder, Material, rotation, srgb
from sample_room.shapes import Solids
from sample_room.textures import ARCHES, HILLS, PLANKS, PLASTER, SKY, STRIPES, WEAVE
from sample_room.tracer import Eye, Lights, Surfaces, look, surfaces

HALF_WIDTH, HEIGHT, DEPTH = 2.7, 2.7, 6.4
FOCAL_35MM = 28
"""The lens: its focal length in mm before film whose long side is 36 mm."""
_SILL, _HEAD = 0.55, 2.25
_WINDOWS = ((1.0, 2.0), (2.5, 3.5))
_GLASS = Material(srgb("f4f7ff"), SKY, srgb("b9cbb4"), emission=13.0)
_WALL = Material(srgb("ded8cb"), PLASTER)
_ACCENT = Material(srgb("a9b9ac"), PLASTER)
_TRIM = Material(srgb("f0ede6"), gloss=0.5, roughness=0.1)
_FLOOR = Material(srgb("c79a68"), PLANKS, srgb("9a6c40"), gloss=0.7, roughness=0.10)


def room() -> tuple[Solids, Surfaces, Lights]:
    """Everything, ready to trace."""
    b = Builder()
    _shell(b)
    for window in _WINDOWS:
        _window(b, *window)
    _curtains(b)
    _pictures(b)
    _place(b)
    sun = np.array([-0.80, 0.52, 0.30])
    lights = Lights(
        np.array([[-HALF_WIDTH - 0.12, (_SILL + _HEAD) / 2, (near + far) / 2] for near, far in _WINDOWS]),
        np.array([[(_HEAD - _SILL) / 2, (far - near) / 2] for near, far in _WINDOWS]),
        b.materials.index(_GLASS),
        np.array([sun / np.linalg.norm(sun), [24.0, 19.5, 14.0]]),
    )
    return b.solids(), surfaces(b.materials), lights


def eye(width: int, height: int) -> Eye:
    """The photographer: standing near the end wall."""
    return look((0.50, 1.40, 5.90), (0.02, 1.00, 0.6), FOCAL_35MM / 36 * max(width, height), width, height)


def _shell(b: Builder) -> None:
    w, h, d = HALF_WIDTH, HEIGHT, DEPTH
    b.box((0, -0.1, d / 2), (w + 0.3, 0.1, d / 2 + 0.3), _FLOOR)
    b.box((0, h + 0.1, d / 2), (w + 0.3, 0.1, d / 2 + 0.3), _TRIM)
    b.box((0, h / 2, -0.1), (w + 0.3, h / 2, 0.1), _ACCENT)
    b.box((0, h / 2, d + 0.1), (w + 0.3, h / 2, 0.1), _WALL)
    b.box((w + 0.1, h / 2, d / 2), (0.1, h / 2, d / 2), _WALL)
    for low, high in ((0, _SILL), (_HEAD, h)):
        b.box((-w - 0.1, (low + high) / 2, d / 2), (0.1, (high - low) / 2, d / 2), _WALL)
    edges = [0, *(z for window in _WINDOWS for z in window), d]
    for near, far in zip(edges[::2], edges[1::2], strict=True):
        b.box((-w - 0.1, (_SILL + _HEAD) / 2, (near + far) / 2), (0.1, (_HEAD - _SILL) / 2, (far - near) / 2), _WALL)
    b.box((0, 0.055, 0.008), (w, 0.055, 0.008), _TRIM)
    for side in (-1, 1):
        b.box(((w - 0.008) * side, 0.055, d / 2), (0.008, 0.055, d / 2), _TRIM)


def _window(b: Builder, near: float, far: float) -> None:
    x, middle_z, middle_y = -HALF_WIDTH - 0.10, (near + far) / 2, (_SILL + _HEAD) / 2
    half_y, half_z = (_HEAD - _SILL) / 2, (far - near) / 2
    b.box((x - 0.02, middle_y, middle_z), (0.002, half_y, half_z), _GLASS)
    for side in (-1, 1):
        b.box((x, middle_y, middle_z + side * (half_z - 0.03)), (0.025, half_y, 0.03), _TRIM)
        b.box((x, middle_y + side * (half_y - 0.03), middle_z), (0.025, 0.03, half_z), _TRIM)
    b.box((x, middle_y, middle_z), (0.022, half_y, 0.018), _TRIM)
    b.box((x, middle_y + 0.35, middle_z), (0.022, 0.016, half_z), _TRIM)
    b.box((-HALF_WIDTH + 0.02, _SILL - 0.015, middle_z), (0.13, 0.018, half_z + 0.06), _TRIM)


def _curtains(b: Builder) -> None:
    linen = Material(srgb("e9e0cd"), WEAVE, srgb("d6c9b0"))
    x = -HALF_WIDTH + 0.11
    b.frustum((x, 2.42, 0.45), (x, 2.42, 4.05), 0.012, furniture.BRASS)
    for start, folds in ((0.56, 6), (2.12, 4), (3.62, 6)):
        for k in range(folds):
            z, bulge = start + 0.062 * k, 0.034 + 0.008 * math.sin(2.3 * k + start)
            b.frustum((x + 0.012 * math.cos(3.1 * k), 0.03, z), (x, 2.41, z), bulge, linen, taper=0.9)


def _pictures(b: Builder) -> None:
    for x, y, half_x, half_y, texture in ((-0.70, 1.64, 0.27, 0.37, ARCHES), (0.10, 1.62, 0.36, 0.27, HILLS)):
        b.box((x, y, 0.012), (half_x + 0.045, half_y + 0.045, 0.012), furniture.PAPER)
        b.box((x, y, 0.014), (half_x, half_y, 0.011), Material(srgb("ffffff"), texture, gloss=0.4, roughness=0.05))
        for side in (-1, 1):
            b.box((x + side * (half_x + 0.055), y, 0.015), (0.011, half_y + 0.066, 0.016), furniture.OAK)
            b.box((x, y + side * (half_y + 0.055), 0.015), (half_x + 0.066, 0.011, 0.016), furniture.OAK)


def _place(b: Builder) -> None:
    b.at(-0.30, 0, 0.62)
    furniture.sofa(b)
    b.at(-0.15, 0, 2.35)
    furniture.rug(b)
    b.at(-0.25, 0.014, 2.30)
    furniture.coffee_table(b)
    b.at(1.46, 0.0, 2.45, turn_deg=-58)
    furniture.armchair(b)
    b.at(-1.48, 0.014, 2.62, turn_deg=20)
    furniture.pouf(b)
    b.at(1.30, 0, 0.50)
    furniture.floor_lamp(b)
    b.at(-2.15, 0, 0.52)
    furniture.plant(b)
    b.at(HALF_WIDTH - 0.17, 0, 1.75, turn_deg=-90)
    furniture.bookshelf(b)
    b.at()
    globe = Material(srgb("f3ead8"), STRIPES, srgb("efe4cf"))
    b.sphere((-0.25, 2.12, 2.3), (0.21, 0.20, 0.21), globe, rotation(z=90))
    b.frustum((-0.25, 2.31, 2.3), (-0.25, HEIGHT, 2.3), 0.004, furniture.BLACK)
