"""Parts of large buildings: columns, railings, flights of stairs, arches."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from train_embedded_depth.looks import Look
from train_embedded_depth.world import Vector, World, turn


def column(world: World, width: float, height: float, paint: Look) -> None:
    """A round column with base and capital, its foot at the origin."""
    world.post(0, 0, 0, width, height, paint)
    for level in (0.0, height - 0.5 * width):
        world.block(0, level, 0, (1.35 * width, 0.5 * width, 1.35 * width), paint)


def railing(world: World, start: Vector, end: Vector, height: float, bars: Look, rail: Look) -> None:
    """Bars and a handrail over the line between two points; sections keep the bars about as far apart."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    run = b - a
    yaw, flat = math.atan2(-run[2], run[0]), math.hypot(run[0], run[2])
    count = max(1, round(flat / (1.6 * height)))
    for k in range(count):
        middle = a + (k + 0.5) / count * run + (0, height / 2, 0)
        slope = math.atan2(run[1], flat)
        world.grate(middle, flat / count / max(math.cos(slope), 0.3), height, bars, turn(yaw, 0, slope))
    up = np.array([0, height, 0])
    world.rod(a + up, b + up, 0.08, rail)


def flight(world: World, count: int, rise: float, tread: float, width: float, paint: Look) -> None:
    """Steps up along +z from the origin, solid to the ground."""
    for step in range(count):
        deep = (count - step) * tread
        world.block(0, step * rise, step * tread + deep / 2, (width, rise, deep), paint)


def arch(world: World, start: Vector, end: Vector, rise: float, width: float, paint: Look, pieces: int = 10) -> None:
    """A parabola of rods from one point to another, `rise` meters above their line in its middle."""
    share = np.linspace(0, 1, pieces + 1)[:, None]
    points = (
        np.asarray(start) + share * (np.asarray(end) - np.asarray(start)) + 4 * rise * share * (1 - share) * [0, 1, 0]
    )
    for a, b in pairwise(points):
        world.rod(a, b, width, paint)


def spread(rng: Generator, low: float, high: float) -> float:
    """A number in between, its logarithm uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
