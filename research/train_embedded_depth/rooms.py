"""Rooms, corridors, L-shapes and stairwells with doors, windows and furniture; table tops seen from close by."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.furniture import ANYWHERE, BY_WALL, cabinet, chair, clutter, counter, person_standing, table
from train_embedded_depth.looks import Look, look, picture
from train_embedded_depth.world import World

WALL = 0.1


def shell(world: World, rng: Generator, width: float, length: float, height: float) -> Look:
    """Floor, ceiling and four walls around the frame's origin; returns what the walls are made of."""
    paint = look(rng, "plain", "plain", "plain", "tiles", "noise", "speckle", "stripes")
    accent = look(rng) if rng.random() < 0.3 else paint
    floor = look(rng, "wood", "wood", "tiles", "fabric", "speckle", "noise", "plain")
    world.box((0, -WALL / 2, 0), (width, WALL, length), floor)
    world.box((0, height + WALL / 2, 0), (width, WALL, length), look(rng, "plain", "plain", "tiles", "wood"))
    for k in range(4):
        span, reach = (width, length) if k % 2 == 0 else (length, width)
        side = world.at(0, 0, k * math.pi / 2)
        side.box((0, height / 2, reach / 2 + WALL / 2), (span + 2 * WALL, height, WALL), accent if k == 0 else paint)
        _wall_things(side.at(0, reach / 2), rng, span, height)
    return paint


def _wall_things(wall: World, rng: Generator, span: float, height: float) -> None:
    """Doors, windows, posters, boards, curtains and radiators on a wall at z = 0 of its frame."""
    for _ in range(int(rng.integers(0, 5))):
        x, kind = float(rng.uniform(-0.45, 0.45) * span), rng.random()
        if kind < 0.25:
            size = (rng.uniform(0.7, 1.0), min(rng.uniform(1.9, 2.2), height - 0.05), 0.05)
            wall.block(x, 0, 0, size, picture(rng, "panels", "plain"))
            wall.block(x, 0, 0.015, (size[0] + 0.15, size[1] + 0.08, 0.05), look(rng, "plain"))
        elif kind < 0.5:
            size = (rng.uniform(0.5, 2.2), rng.uniform(0.5, min(1.6, height - 0.9)), 0.04)
            wall.box((x, 0.85 + size[1] / 2, 0), size, picture(rng, "window", glow=rng.choice([0.0, 0.8, 2.0])))
            if rng.random() < 0.4:
                for side in (-1, 1):
                    curtain = (x + side * size[0] / 2, 0, -0.05)
                    wall.block(*curtain, (0.35, min(2.2, height), 0.08), look(rng, "fabric", "stripes", tile_m=0.4))
        elif kind < 0.9:
            broad, high = rng.uniform((0.2, 0.2), (1.4, 0.9))
            wall.box((x, rng.uniform(0.8, max(1.0, height - 0.5)), 0), (broad, high, 0.03), picture(rng))
        else:
            wall.block(x, 0.1, 0, (rng.uniform(0.5, 1.4), 0.6, 0.15), look(rng, "stripes", "plain"))


def _furnish(world: World, rng: Generator, width: float, length: float) -> None:
    """Furniture along the walls and in the middle."""
    for k in range(4):
        span, reach = (width, length) if k % 2 == 0 else (length, width)
        x = -span / 2 + rng.uniform(0, 1.5)
        while x < span / 2 - 0.3 and rng.random() < 0.75:
            depth = rng.uniform(0.3, 0.6)
            make = BY_WALL[rng.integers(len(BY_WALL))]
            make(world.at(0, 0, k * math.pi / 2).at(x, reach / 2 - depth, rng.normal(0, 0.03)), rng)
            x += rng.uniform(1.0, 3.0)
    for _ in range(int(rng.integers(0, 1 + max(2, min(10, int(width * length / 4)))))):
        x, z = rng.uniform(-0.4, 0.4, 2) * (width, length)
        ANYWHERE[rng.integers(len(ANYWHERE))](world.at(x, z, rng.uniform(0, 2 * math.pi)), rng)


def _loose(world: World, rng: Generator, width: float, length: float, height: float) -> None:
    """Rugs, boxes on the floor and lamps at the ceiling."""
    if rng.random() < 0.5:
        x, z = rng.uniform(-0.25, 0.25, 2) * (width, length)
        world.block(x, 0, z, (rng.uniform(1, 3), 0.01, rng.uniform(1, 3)), picture(rng, "stripes", "noise", "poster"))
    clutter(world, rng, width, length, 0.0, int(rng.integers(0, 6)))
    for _ in range(int(rng.integers(0, 3))):
        x, z = rng.uniform(-0.35, 0.35, 2) * (width, length)
        drop = rng.uniform(0.02, 0.5)
        glow = look(rng, "plain", glow=rng.uniform(0, 3))
        world.blob((x, height - drop, z), (0.4, rng.uniform(0.1, 0.4), 0.4), glow)
        world.post(x, height - drop, z, 0.02, drop, look(rng, "plain"))


def room(rng: Generator) -> tuple[World, np.ndarray]:
    """A furnished room, often L-shaped or with columns; the point is where its camera may stand about."""
    world = World()
    width, length, height = rng.uniform(2.2, 7), rng.uniform(2.5, 9), rng.uniform(2.2, 3.4)
    paint = shell(world, rng, width, length, height)
    if rng.random() < 0.35:
        base = rng.uniform(0.15, 0.55, 2) * (width, length)
        corner = rng.choice([-0.5, 0.5], 2) * (np.array([width, length]) - base)
        world.block(corner[0], 0, corner[1], (base[0], height, base[1]), paint)
    if rng.random() < 0.35:
        _counters(world, rng, width, length)
    _furnish(world, rng, width, length)
    _loose(world, rng, width, length, height)
    return world, np.array([width / 2 - 0.3, rng.uniform(0.8, min(2.0, height - 0.2)), length / 2 - 0.3])


def kitchen(rng: Generator) -> tuple[World, np.ndarray]:
    """A small room with counters along its walls, and a table or chairs between them."""
    world = World()
    width, length, height = rng.uniform(2.2, 5), rng.uniform(2.4, 6), rng.uniform(2.2, 2.9)
    shell(world, rng, width, length, height)
    _counters(world, rng, width, length)
    for _ in range(int(rng.integers(0, 5))):
        x, z = rng.uniform(-0.4, 0.4, 2) * (width, length)
        (table, chair, chair, cabinet)[rng.integers(4)](world.at(x, z, rng.uniform(0, 2 * math.pi)), rng)
    _loose(world, rng, width, length, height)
    return world, np.array([width / 2 - 0.3, rng.uniform(1.0, min(2.0, height - 0.2)), length / 2 - 0.3])


def _counters(world: World, rng: Generator, width: float, length: float) -> None:
    """Kitchen counters along one to three walls."""
    first, sides = int(rng.integers(4)), int(rng.integers(1, 4))
    for k in range(first, first + sides):
        span, reach = (width, length) if k % 2 == 0 else (length, width)
        counter(world.at(0, 0, k * math.pi / 2).at(0, reach / 2 - 0.32), rng, span)


def corridor(rng: Generator) -> tuple[World, np.ndarray]:
    """A narrow, long room with doors and a few people."""
    world = World()
    width, length, height = rng.uniform(1.2, 2.6), rng.uniform(8, 25), rng.uniform(2.2, 3.2)
    paint = shell(world, rng, width, length, height)
    for side in (-1, 1):
        for z in np.arange(-length / 2, length / 2, rng.uniform(2, 4)):
            frame = world.at(side * width / 2, z + rng.uniform(-0.5, 0.5), side * math.pi / 2)
            if rng.random() < 0.7:
                _wall_things(frame, rng, 1.5, height)
            elif rng.random() < 0.3:
                frame.block(0, 0, 0, (0.5, height, 0.5), paint)
    for _ in range(int(rng.integers(0, 4))):
        x, z = rng.uniform(-0.35, 0.35, 2) * (width, length)
        person_standing(world.at(x, z, rng.uniform(0, 6.3)), rng)
    _loose(world, rng, width, length, height)
    return world, np.array([width / 2 - 0.3, rng.uniform(1.0, 1.9), length / 2 - 0.3])


def stairwell(rng: Generator) -> tuple[World, np.ndarray]:
    """A hall with a flight of stairs up one side."""
    world = World()
    width, length, height = rng.uniform(3, 6), rng.uniform(4, 9), rng.uniform(3, 5.5)
    shell(world, rng, width, length, height)
    rise, tread, broad = rng.uniform(0.14, 0.2), rng.uniform(0.25, 0.35), rng.uniform(0.8, 1.8)
    paint, rail = look(rng, "wood", "plain", "speckle"), look(rng, "plain")
    stairs = world.at(0, 0, rng.integers(4) * math.pi / 2).at(rng.uniform(-0.5, 0.5), rng.uniform(-1, 0.5))
    for step in range(int(rng.integers(5, 14))):
        top = (step + 1) * rise
        stairs.block(0, 0 if rng.random() < 0.9 else top - 0.05, step * tread, (broad, top, tread), paint)
        stairs.post(broad / 2, top, step * tread, 0.03, 0.9, rail)
    _furnish(world, rng, width, length)
    return world, np.array([width / 2 - 0.3, rng.uniform(1.0, 1.9), length / 2 - 0.3])


def table_top(rng: Generator) -> tuple[World, np.ndarray]:
    """Things on a table, close, in a room that is mostly out of sight."""
    world = World()
    width, depth, height = rng.uniform(0.6, 1.8), rng.uniform(0.5, 1.2), rng.uniform(0.6, 0.95)
    shell(world, rng, rng.uniform(2.5, 6), rng.uniform(2.5, 6), 2.6)
    world.block(0, height - 0.04, 0, (width, 0.04, depth), look(rng))
    clutter(world, rng, width, depth, height, int(rng.integers(3, 12)))
    return world, np.array([width / 2, height + rng.uniform(0.15, 0.7), depth / 2 + 0.3])
