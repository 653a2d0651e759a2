"""Fields of flowers, woods and lakes."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.animals import animal
from train_embedded_depth.looks import look, near
from train_embedded_depth.people import figure
from train_embedded_depth.plants import (
    bark,
    bush,
    conifer,
    flower,
    flower_look,
    leaves,
    tree,
    trunk,
    tuft,
)
from train_embedded_depth.scenery import earth, ground, hills, skyline, treeline, water
from train_embedded_depth.world import World, turn


def flower_field(rng: Generator) -> tuple[World, np.ndarray]:
    """Sunflowers, poppies, tulips: near ones one by one, the others as rows of leaves with dots of color."""
    world, height = World(), rng.uniform(0.35, 2.0)
    ground(world, earth(rng))
    petals, paint, head = flower_look(rng), leaves(rng), height * rng.uniform(0.12, 0.3)
    for away in np.exp(rng.uniform(np.log(0.9), np.log(7), int(rng.integers(6, 22)))) * height:
        spot = world.at(rng.uniform(-0.9, 0.9) * away, float(away), rng.normal(0, 0.7))
        flower(spot, rng, height * rng.uniform(0.75, 1.15), head, petals if rng.random() < 0.9 else flower_look(rng))
    for away in height * np.exp(np.linspace(np.log(1.2), np.log(40), 13)):
        row, broad = world.at(rng.uniform(-0.3, 0.3) * away, float(away)), 2.4 * away
        for x in (-broad / 3, 0.0, broad / 3):
            row.blades(x, 0, 0, broad / 2.8, height * rng.uniform(0.5, 0.9), paint, rng.normal(0, 0.3))
        for x in rng.uniform(-0.5, 0.5, 6) * broad:
            row.card((x, height * rng.uniform(0.6, 1), -0.1), head, petals, turn(*rng.normal(0, 0.4, 2)))
    _horizon(world, rng)
    rise = float(rng.choice([0.5, 1.0, 1.5, 2.5])) * height + 0.1
    return world, np.array([[0, rise, -0.4 * height], [rng.normal(0, 1), rise + rng.normal(-0.8, 1.6) * height, 5]])


def _horizon(world: World, rng: Generator) -> None:
    """What closes a wide view: trees, hills, a town, or nothing."""
    if rng.random() < 0.5:
        treeline(world, rng, rng.uniform(30, 120), rng.uniform(4, 12))
    hills(world, rng, rng.uniform(100, 250), int(rng.integers(0, 5)))
    if rng.random() < 0.2:
        skyline(world, rng, rng.uniform(100, 200), int(rng.integers(2, 9)))


def forest(rng: Generator) -> tuple[World, np.ndarray]:
    """Trunks at all distances, undergrowth, fallen logs, a path; crowns above."""
    world = World()
    ground(world, earth(rng))
    broad = rng.uniform(0.15, 0.7)
    if rng.random() < 0.4:
        path = near(rng, (0.55, 0.45, 0.35), "noise", "speckle", "land")
        world.box((0, 0, 20), (rng.uniform(1, 3), 0.04, 60), path, turn(rng.normal(0, 0.2)))
    for away in np.exp(rng.uniform(np.log(1.5), np.log(45), int(rng.integers(12, 40)))):
        spot = world.at(rng.uniform(-0.8, 0.8) * (away + 1), float(away), rng.uniform(0, 6))
        height = rng.uniform(5, 22)
        trunk(spot, rng, broad * rng.uniform(0.5, 1.4), height)
        if rng.random() < 0.5:
            crown, paint = height * rng.uniform(0.25, 0.5), leaves(rng)
            for share in rng.uniform(0.5, 1, 2):
                spot.card((0, height * share, 0), crown, paint, turn(*rng.uniform(-1.2, 1.2, 2)))
    for away in np.exp(rng.uniform(np.log(1), np.log(20), int(rng.integers(2, 20)))):
        _undergrowth(world.at(rng.uniform(-0.8, 0.8) * (away + 1), float(away), rng.uniform(0, 6)), rng)
    if rng.random() < 0.7:
        treeline(world, rng, rng.uniform(25, 60), rng.uniform(5, 16))
    if rng.random() < 0.3:
        figure(world.at(rng.uniform(-1, 1), rng.uniform(4, 20)), rng, 1.75)
    eye = np.array([0.0, rng.uniform(0.4, 2), 0.0])
    return world, np.stack([eye, (rng.normal(0, 3), eye[1] + rng.normal(-0.5, 2), 10)])


def _undergrowth(spot: World, rng: Generator) -> None:
    kind = rng.random()
    if kind < 0.4:
        bush(spot, rng, rng.uniform(0.3, 1.5))
    elif kind < 0.7:
        tuft(spot, rng, rng.uniform(0.2, 0.9))
    elif kind < 0.85:
        size = rng.uniform(0.2, 1.3, 3)
        spot.blob((0, 0.2 * size[1], 0), size, look(rng, "speckle", "noise", "land"))
    else:
        spot.rod((-1.5, 0.2, 0), (1.5, rng.uniform(0.1, 0.9), 0), rng.uniform(0.2, 0.5), bark(rng))


def lake(rng: Generator) -> tuple[World, np.ndarray]:
    """Water to a far shore with woods and mountains; reeds, a tree, an animal or a jetty on the near shore."""
    world, shore, far = World(), rng.uniform(2, 8), float(np.exp(rng.uniform(np.log(30), np.log(250))))
    ground(world, water(rng), -0.3)
    land = earth(rng)
    world.blob((0, -0.8, -8), (rng.uniform(20, 60), 1.7, 2 * (shore + 8)), land)
    world.blob((rng.uniform(-0.5, 0.5) * far, -0.5, far + 100), (6 * far, rng.uniform(1, 6), 200), land)
    treeline(world.at(0, 0), rng, far, far * rng.uniform(0.03, 0.12) + 3)
    hills(world, rng, 1.3 * far, int(rng.integers(1, 7)))
    for _ in range(int(rng.integers(0, 14))):
        tuft(world.at(rng.uniform(-4, 4), shore * rng.uniform(0.3, 1.1), 0, -0.2), rng, rng.uniform(0.4, 1.6))
    _on_the_shore(world, rng, shore)
    for away in np.exp(rng.uniform(np.log(shore + 9), np.log(far + 9), int(rng.integers(0, 4)))):
        _boat(world.at(rng.uniform(-0.5, 0.5) * away, float(away), rng.uniform(0, 6), -0.3), rng)
    eye = np.array([rng.uniform(-1, 1), rng.uniform(1, 3.5), -rng.uniform(0, 6)])
    return world, np.stack([eye, (rng.normal(0, 5), eye[1] + rng.normal(-1.5, 2), 20)])


def _on_the_shore(world: World, rng: Generator, shore: float) -> None:
    for _ in range(int(rng.integers(0, 4))):
        side = rng.choice([-1, 1]) * rng.uniform(1, 5)
        spot, kind = world.at(side, shore * rng.uniform(-0.2, 0.8), rng.uniform(0, 6), -0.1), rng.random()
        if kind < 0.4:
            (tree, conifer)[rng.integers(2)](spot.at(side, 0), rng)
        elif kind < 0.6:
            animal(spot, rng, rng.uniform(0.4, 1.5))
        elif kind < 0.75:
            bush(spot, rng, rng.uniform(0.5, 2))
        elif kind < 0.9:
            spot.block(0, 0.1, 2, (1.4, 0.1, 8), near(rng, (0.5, 0.4, 0.3), "wood"))
        else:
            figure(spot, rng, 1.7)


def _boat(world: World, rng: Generator) -> None:
    size = rng.uniform(2, 8)
    world.blob((0, 0.05 * size, 0), (0.35 * size, 0.3 * size, size), look(rng, "plain", "wood"))
    if rng.random() < 0.6:
        world.post(0, 0, 0, 0.02 * size, 1.2 * size, look(rng, "plain"))
        sail = near(rng, (0.9, 0.9, 0.9), "plain", "fabric")
        world.box((0, 0.65 * size, 0.2 * size), (0.02, 0.9 * size, 0.4 * size), sail, turn(0, math.radians(-8)))
