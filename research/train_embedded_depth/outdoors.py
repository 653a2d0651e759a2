"""Streets, squares and open land under a sky."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.furniture import person_standing
from train_embedded_depth.looks import Look, look, picture
from train_embedded_depth.plants import tree
from train_embedded_depth.scenery import ground
from train_embedded_depth.world import World, turn


def _facade(rng: Generator) -> Look:
    return look(rng, "facade", "facade", "facade", "tiles", "plain", tile_m=rng.uniform(3, 14))


def house(world: World, rng: Generator, width: float) -> None:
    """A building, its front at z = 0 and its body behind: base, door, balconies, roof."""
    height, depth = float(np.exp(rng.uniform(np.log(3), np.log(30)))), rng.uniform(6, 15)
    world.block(0, 0, depth / 2, (width, height, depth), _facade(rng))
    if rng.random() < 0.4:
        world.block(0, 0, depth / 2 - 0.1, (width, rng.uniform(2.5, 4), depth), look(rng, "window", "panels", tile_m=3))
    if rng.random() < 0.4:
        slope, paint = rng.uniform(0.5, 0.9), look(rng, "tiles", "plain")
        size = (width, 0.2, depth / 1.6)
        for side in (-1, 1):
            world.box((0, height + depth * 0.12, depth * (0.5 + 0.25 * side)), size, paint, turn(0, side * slope / 1.3))
    for y in np.arange(3, height - 1, 3) if rng.random() < 0.3 else ():
        world.block(rng.uniform(-0.3, 0.3) * width, y, -0.5, (rng.uniform(1, 3), 0.9, 1.0), look(rng))
    if rng.random() < 0.3:
        world.block(0, 2.6, -0.7, (width * 0.8, 0.1, 1.4), look(rng, "stripes", "plain"))


def car(world: World, rng: Generator) -> None:
    """A car along z: body, cabin, wheels, lights."""
    length, width, height = rng.uniform(3.6, 5.2), rng.uniform(1.6, 1.9), rng.uniform(1.3, 2.2)
    paint, glass, tyre = look(rng, "plain"), look(rng, "plain", "window", tile_m=2), look(rng, "plain")
    world.block(0, 0.25, 0, (width, height * 0.4, length), paint)
    world.block(0, 0.25 + height * 0.4, rng.uniform(-0.3, 0.3), (width * 0.9, height * 0.4, length * 0.55), glass)
    world.block(0, 0.25 + height * 0.8, 0, (width * 0.85, 0.06, length * 0.5), paint)
    for x in (-0.5, 0.5):
        for z in (-0.32, 0.32):
            wheel = (x * width * 0.95, 0.32, z * length)
            world.rod((wheel[0] - 0.1, *wheel[1:]), (wheel[0] + 0.1, *wheel[1:]), 0.64, tyre)
        for end, glow in ((-0.5, 1.5), (0.5, 0.5)):
            lamp = look(rng, "plain", glow=glow if rng.random() < 0.5 else 0)
            world.box((x * width * 0.7, 0.65, end * length), (0.3, 0.15, 0.04), lamp)


def lamp_post(world: World, rng: Generator) -> None:
    """A street lamp or a sign."""
    height = rng.uniform(2.2, 7)
    world.post(0, 0, 0, 0.1, height, look(rng, "plain"))
    if rng.random() < 0.5:
        world.blob((0, height, 0), (0.5, 0.4, 0.5), look(rng, "plain", glow=rng.uniform(0, 3)))
    else:
        world.box((0, height, -0.06), (rng.uniform(0.4, 1.5), 0.6, 0.04), picture(rng))


STREET_THINGS = (tree, tree, car, car, lamp_post, person_standing, person_standing)


def street(rng: Generator) -> tuple[World, np.ndarray]:
    """A road between two rows of houses, with pavements, cars, trees and people."""
    world = World()
    broad, walk = rng.uniform(4, 14), rng.uniform(1.5, 5)
    ground(world, look(rng, "speckle", "noise", "tiles", "land", tile_m=rng.uniform(1, 5)))
    world.block(0, 0, 0, (broad, 0.01, 400), look(rng, "speckle", "plain", "noise", tile_m=3))
    if rng.random() < 0.6:
        for z in range(-20, 60, 6):
            world.block(0, 0.01, z, (0.15, 0.01, 3), look(rng, "plain"))
    for side in (-1, 1):
        edge = world.at(side * broad / 2, 0, side * math.pi / 2)
        edge.block(0, 0, walk / 2, (400, 0.12, walk), look(rng, "tiles", "speckle", "plain"))
        x, gaps = -20.0, rng.random() < 0.4
        while x < 110:
            width = rng.uniform(5, 16)
            if not (gaps and rng.random() < 0.4):
                house(edge.at(side * -(x + width / 2), walk + rng.uniform(0, 1.5)), rng, width)
            x += width + (rng.uniform(0, 6) if gaps else 0)
        for _ in range(int(rng.integers(2, 10))):
            thing = STREET_THINGS[rng.integers(len(STREET_THINGS))]
            across = rng.uniform(-2, 0) if thing is car else rng.uniform(0.3, walk)
            along = -side * (rng.uniform(-3, 15) if rng.random() < 0.6 else rng.uniform(10, 60))
            thing(edge.at(along, across, math.pi / 2 if thing is car else rng.uniform(0, 6)), rng)
    if rng.random() < 0.5:
        house(world.at(0, rng.uniform(20, 100)), rng, rng.uniform(8, 60))
    return world, np.array([broad / 2 + walk - 0.5, rng.uniform(1.2, 4), 3.0])


def square(rng: Generator) -> tuple[World, np.ndarray]:
    """Open ground with buildings, domes and trees at any distance, seen from eye height or from above."""
    world = World()
    ground(world, look(rng, "tiles", "land", "speckle", "noise", "plain", tile_m=rng.uniform(1, 8)))
    if rng.random() < 0.3:
        shore = rng.uniform(5, 40)
        world.block(0, 0, shore + 200, (800, 0.02, 400), look(rng, "noise", "speckle", "plain", tile_m=20))
    for _ in range(int(rng.integers(1, 14))):
        distance, bearing = float(np.exp(rng.uniform(np.log(8), np.log(150)))), rng.uniform(-1, 1)
        spot = world.at(distance * math.sin(bearing), distance * math.cos(bearing), bearing + rng.normal(0, 0.5))
        if rng.random() < 0.75:
            house(spot, rng, rng.uniform(4, 30))
        else:
            size = rng.uniform(3, 25, 3)
            spot.blob((0, rng.uniform(0, 0.3) * size[1], size[2] / 2), size, _facade(rng), turn(0, rng.uniform(-1, 1)))
    for _ in range(int(rng.integers(2, 16))):
        x, z = rng.uniform(-15, 15), float(np.exp(rng.uniform(np.log(2), np.log(60))))
        STREET_THINGS[rng.integers(len(STREET_THINGS))](world.at(x, z, rng.uniform(0, 6)), rng)
    height = rng.uniform(1.2, 2.2) if rng.random() < 0.7 else rng.uniform(3, 15)
    return world, np.array([3.0, height, 2.0])


def landscape(rng: Generator) -> tuple[World, np.ndarray]:
    """Trees, rocks, huts and people; the land under them is the terrain's."""
    world = World()
    for _ in range(int(rng.integers(0, 14))):
        x, z = rng.uniform(-12, 12), float(np.exp(rng.uniform(np.log(2), np.log(60))))
        kind, spot = rng.random(), world.at(x, z, rng.uniform(0, 6), -0.3)
        if kind < 0.6:
            tree(spot, rng)
        elif kind < 0.85:
            size = rng.uniform(0.3, 3, 3)
            spot.blob((0, size[1] * 0.2, 0), size, look(rng, "land", "noise", "speckle"), turn(*rng.uniform(-1, 1, 2)))
        elif kind < 0.93:
            house(spot, rng, rng.uniform(3, 8))
        else:
            person_standing(spot, rng)
    return world, np.array([2.0, rng.uniform(1.2, 3), 2.0])
