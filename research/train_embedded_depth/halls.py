"""Halls with columns, stairs, galleries and railings."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.furniture import plant
from train_embedded_depth.looks import Look, look, near
from train_embedded_depth.people import figure, person
from train_embedded_depth.rooms import shell
from train_embedded_depth.structures import arch, column, flight, railing
from train_embedded_depth.world import World


def hall(rng: Generator) -> tuple[World, np.ndarray]:
    """A hall along z: rows of columns, a flight of stairs to a gallery at its end, lamps, carpets and people."""
    world = World()
    width, length, height = rng.uniform(7, 22), rng.uniform(12, 45), rng.uniform(4.5, 14)
    shell(world, rng, width, length, height)
    stone = near(rng, (0.8, 0.77, 0.7), "plain", "speckle", "noise", "bricks")
    if rng.random() < 0.8:
        _colonnades(world, rng, width, length, height, stone)
    level, front = 0.45 * height * rng.uniform(0.7, 1.1), length * rng.uniform(-0.2, 0.2)
    if rng.random() < 0.75:
        _gallery(world.at(0, front), rng, width, length / 2 - front, level, stone)
    if rng.random() < 0.5:
        world.block(0, 0, 0, (rng.uniform(1.5, 3), 0.02, length), near(rng, (0.6, 0.1, 0.1), "fabric", "poster"))
    _lamps(world, rng, length, height)
    _people(world, rng, width, length)
    up = rng.random() < 0.2
    eye = np.array([rng.uniform(-0.35, 0.35) * width, level + 1.6 if up else rng.uniform(0.9, 2.2), -0.42 * length])
    drop = -0.5 * level if up else rng.normal(0.3, 1.2)
    return world, np.stack([eye, (rng.normal(0, 0.2) * width, eye[1] + drop, rng.uniform(-0.1, 0.3) * length)])


def _colonnades(world: World, rng: Generator, width: float, length: float, height: float, stone: Look) -> None:
    thick, gap, arched = rng.uniform(0.3, 1.1), rng.uniform(2.5, 6), rng.random() < 0.4
    x = width / 2 * rng.uniform(0.45, 0.85)
    for side in (-x, x):
        for z in np.arange(-length / 2 + 1, length / 2, gap):
            column(world.at(side, float(z)), thick, height, stone)
            if arched:
                spring = (side, 0.7 * height, z)
                arch(world, spring, (side, 0.7 * height, z + gap), 0.25 * height, 0.6 * thick, stone, 4)


def _gallery(world: World, rng: Generator, width: float, depth: float, level: float, stone: Look) -> None:
    """A floor at `level` behind stairs that begin at the origin, with railings along all open edges."""
    rise, tread = rng.uniform(0.15, 0.2), rng.uniform(0.26, 0.4)
    count = min(int(level / rise), 24)
    level, broad, run = count * rise, rng.uniform(1.5, 0.6 * width), count * tread
    bars, rail = near(rng, (0.25, 0.2, 0.1), "plain", "noise"), look(rng, "plain", "wood")
    shift = rng.uniform(-0.5, 0.5) * (width - broad)
    stairs = world.at(shift, 0)
    flight(stairs, count, rise, tread, broad, stone if rng.random() < 0.5 else look(rng))
    for side in (-broad / 2, broad / 2):
        railing(stairs, (side, 0, 0), (side, level, run), 0.95, bars, rail)
    world.block(0, level - 0.3, run + depth / 2, (width, 0.3, depth), stone)
    for start, end in ((-width / 2, shift - broad / 2), (shift + broad / 2, width / 2)):
        if end - start > 0.5:
            railing(world, (start, level, run), (end, level, run), 1.0, bars, rail)
    figure(world.at(rng.uniform(-0.4, 0.4) * width, run + 1, y=level), rng, 1.7)


def _lamps(world: World, rng: Generator, length: float, height: float) -> None:
    for z in np.linspace(-0.3, 0.4, int(rng.integers(0, 5))) * length:
        drop, size = rng.uniform(0.3, 0.5) * height, rng.uniform(0.4, 1.4)
        world.post(0, height - drop, z, 0.04, drop, look(rng, "plain"))
        for angle in np.linspace(0, 2 * math.pi, 6, endpoint=False):
            bulb = (0.5 * size * math.sin(angle), height - drop, z + 0.5 * size * math.cos(angle))
            world.blob(bulb, (0.3 * size,) * 3, near(rng, (1, 0.9, 0.7), "plain", glow=2.0))


def _people(world: World, rng: Generator, width: float, length: float) -> None:
    for _ in range(int(rng.integers(0, 9))):
        x, z = rng.uniform(-0.4, 0.4) * width, rng.uniform(-0.4, 0.2) * length
        spot, near_by = world.at(x, z, rng.uniform(0, 6)), z < -0.25 * length
        if rng.random() < 0.2:
            plant(spot, rng)
        elif near_by:
            person(spot, rng, rng.uniform(1.2, 1.9))
        else:
            figure(spot, rng, rng.uniform(1.2, 1.9))
