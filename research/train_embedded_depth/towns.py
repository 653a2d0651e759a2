"""Village streets, and avenues with parked cars and people at many distances."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.looks import Look, look, near, picture
from train_embedded_depth.outdoors import car, house, lamp_post
from train_embedded_depth.people import figure, person
from train_embedded_depth.plants import bush, conifer, tree
from train_embedded_depth.scenery import earth, ground, hills, skyline
from train_embedded_depth.world import World, turn

NEAR_M = 9.0
"""People who are farther are drawn with fewer solids."""


def passer_by(world: World, rng: Generator, distance: float) -> None:
    """Someone, in detail where near."""
    height = rng.uniform(1.1, 1.95)
    spot = world.at(0, 0, rng.uniform(0, 6.3))
    person(spot, rng, height) if distance < NEAR_M else figure(spot, rng, height)


def roof(world: World, height: float, width: float, depth: float, rise: float, paint: Look) -> None:
    """Two slopes over a body whose front is at z = 0, the ridge along x."""
    slope, length = math.atan2(rise, depth / 2), math.hypot(rise, depth / 2)
    for side in (-1, 1):
        center = (0, height + rise / 2, depth * (0.5 + 0.25 * side))
        world.box(center, (width + 0.6, 0.15, length + 0.5), paint, turn(0, side * slope))


def cottage(world: World, rng: Generator) -> None:
    """A house of one or two floors with a gable roof, door, windows and chimney; its front at z = 0."""
    width, depth, height = rng.uniform(5, 12), rng.uniform(5, 9), rng.uniform(2.4, 6)
    rise, wall = depth * rng.uniform(0.3, 0.6), near(rng, (0.85, 0.8, 0.7), "plain", "bricks", "wood", "noise")
    world.block(0, 0, depth / 2, (width, height, depth), wall)
    for share in (0.25, 0.65):
        world.block(0, height, depth / 2, (width, rise * share, depth * (1 - share) * 0.95), wall)
    roof(world, height, width, depth, rise, near(rng, (0.5, 0.25, 0.18), "tiles", "bricks", "plain", "wood"))
    world.block(rng.uniform(-0.4, 0.4) * width, height, depth / 2, (0.6, rise + 0.7, 0.6), wall)
    world.block(rng.uniform(-0.3, 0.3) * width, 0, 0, (1.0, 2.0, 0.08), picture(rng, "panels"))
    pane = picture(rng, "window", glow=rng.choice([0.0, 0.0, 1.0]))
    for x in np.linspace(-0.35, 0.35, int(rng.integers(2, 5))):
        for y in (1.5, 4.2) if height > 5 else (1.5,):
            world.box((x * width, y, 0), (0.9, 1.1, 0.06), pane)


def church(world: World, rng: Generator) -> None:
    """A nave and a tower with a steep roof."""
    wall, top = near(rng, (0.8, 0.75, 0.65), "plain", "bricks"), rng.uniform(12, 25)
    world.block(4, 0, 6, (14, 7, 9), wall)
    roof(world.at(4, 1.5), 7, 14, 9, 4, near(rng, (0.4, 0.25, 0.2), "tiles"))
    world.block(-6, 0, 6, (5, top, 5), wall)
    for share in (1.0, 0.7, 0.4, 0.15):
        world.block(-6, top + 4 * (1 - share), 6, (5.4 * share, 2, 5.4 * share), wall)


GARDEN = (tree, tree, conifer)


def village(rng: Generator) -> tuple[World, np.ndarray]:
    """A lane between houses and gardens; trees and houses in the middle distance, people and animals before them."""
    world = World()
    ground(world, earth(rng))
    lane, broad = world.at(0, 0, rng.normal(0, 0.12)), rng.uniform(3, 9)
    lane.block(0, 0, 60, (broad, 0.02, 160), near(rng, (0.6, 0.55, 0.45), "speckle", "noise", "tiles", "bricks"))
    for side in (-1, 1):
        z = rng.uniform(4, 18)
        while z < 90:
            spot = lane.at(side * (broad / 2 + rng.uniform(0.3, 6)), z, side * (math.pi / 2 + rng.normal(0, 0.15)))
            if rng.random() < 0.65:
                cottage(spot, rng)
            else:
                GARDEN[rng.integers(3)](spot.at(0, 2), rng)
                bush(spot.at(rng.uniform(-3, 3), 1), rng, rng.uniform(0.6, 2))
            z += rng.uniform(7, 18)
        if rng.random() < 0.5:
            _fence(lane.at(side * (broad / 2 + 0.2), 0), rng)
    if rng.random() < 0.4:
        church(lane.at(rng.uniform(-15, 15), rng.uniform(40, 110)), rng)
    hills(world, rng, rng.uniform(100, 250), int(rng.integers(0, 4)))
    _people(lane, rng, broad, int(rng.integers(2, 10)))
    eye = np.array([rng.uniform(-0.3, 0.3) * broad, rng.uniform(1.0, 2.5), rng.uniform(-4, 2)])
    return world, np.stack([eye, (rng.normal(0, 4), eye[1] + rng.normal(-0.5, 1.2), 20)])


def _fence(lane: World, rng: Generator) -> None:
    start, height = rng.uniform(1, 10), rng.uniform(0.7, 1.3)
    paint = near(rng, (0.5, 0.4, 0.3), "wood", "plain", "bricks", "foliage")
    for z in start + 3.0 * np.arange(int(rng.integers(2, 8))):
        if paint.tint[0] > 0.45:
            lane.grate((0, height / 2, z), 3, height, paint, turn(math.pi / 2))
        else:
            lane.block(0, 0, z, (0.3, height, 3), paint)


def _people(lane: World, rng: Generator, broad: float, count: int) -> None:
    """People at distances from 2 to 50 meters, nearer ones more often."""
    for z in np.exp(rng.uniform(np.log(1.5), np.log(45), count)):
        passer_by(lane.at(rng.uniform(-0.6, 0.6) * broad, float(z)), rng, float(z))


def bus(world: World, rng: Generator) -> None:
    """A bus or lorry along z."""
    length, height = rng.uniform(6, 12), rng.uniform(2.7, 4.3)
    paint = look(rng, "plain")
    world.block(0, 0.4, 0, (2.4, height - 0.4, length), paint)
    for level in (0.45, 0.85) if height > 3.8 else (0.6,):
        pane = near(rng, (0.1, 0.12, 0.15), "plain")
        world.box((0, level * height, 0), (2.44, 0.24 * height, length + 0.04), pane)
    for z in (-0.35, 0.35):
        world.rod((-1.21, 0.5, z * length), (1.21, 0.5, z * length), 1.0, near(rng, (0.03, 0.03, 0.03), "plain"))


def avenue(rng: Generator) -> tuple[World, np.ndarray]:
    """A town street: fronts on both sides, rows of parked cars, traffic, trees, and people on the pavements."""
    world = World()
    broad, walk = rng.uniform(7, 16), rng.uniform(2, 5)
    ground(world, near(rng, (0.45, 0.45, 0.45), "speckle", "tiles", "noise"))
    road = world.at(0, 0, rng.normal(0, 0.1))
    road.block(0, 0, 80, (broad, 0.01, 250), near(rng, (0.25, 0.25, 0.27), "speckle", "plain", "noise", tile_m=3))
    for z in range(-4, 50, 6) if rng.random() < 0.7 else ():
        road.block(0, 0.01, z, (0.15, 0.01, 3), near(rng, (0.9, 0.9, 0.9), "plain"))
    for side in (-1, 1):
        _side(road.at(side * broad / 2, 0, side * math.pi / 2), rng, side, walk)
    for _ in range(int(rng.integers(0, 4))):
        vehicle = bus if rng.random() < 0.3 else car
        vehicle(road.at(rng.uniform(-0.25, 0.25) * broad, float(np.exp(rng.uniform(np.log(6), np.log(70))))), rng)
    _people(road, rng, broad + 2 * walk, int(rng.integers(0, 6)))
    skyline(world, rng, rng.uniform(110, 200), int(rng.integers(0, 6)))
    on_road = rng.random() < 0.5
    eye = np.array([rng.uniform(-0.4, 0.4) * broad if on_road else broad / 2 + walk / 2, rng.uniform(1.2, 3.2), 0.0])
    return world, np.stack([eye, (rng.normal(0, 5), eye[1] + rng.normal(0, 1.5), 25)])


def _side(edge: World, rng: Generator, side: int, walk: float) -> None:
    """One side of an avenue; x of its frame runs along the road, z away from it."""
    edge.block(0, 0, walk / 2, (250, 0.13, walk), look(rng, "tiles", "speckle", "plain"))
    x = -8.0
    while x < 100:
        width = rng.uniform(8, 22)
        house(edge.at(-side * (x + width / 2), walk + rng.uniform(0, 1)), rng, width)
        x += width + (rng.uniform(2, 8) if rng.random() < 0.2 else 0)
    for x in np.arange(rng.uniform(2, 8), 45, rng.uniform(5.5, 9)) if rng.random() < 0.75 else ():
        if rng.random() < 0.75:
            car(edge.at(-side * x, -1.1, math.pi / 2), rng)
    for x in np.arange(rng.uniform(3, 12), 70, rng.uniform(9, 20)):
        (tree, tree, lamp_post)[rng.integers(3)](edge.at(-side * x, rng.uniform(0.4, 0.8)), rng)
    for x in np.exp(rng.uniform(np.log(2.5), np.log(60), int(rng.integers(1, 7)))):
        passer_by(edge.at(-side * float(x), rng.uniform(0.5, walk)), rng, float(x))
