"""Food, dishes and vases on a table; large things and people close to the camera, before a distant background."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.animals import animal
from train_embedded_depth.furniture import ANYWHERE, trinket
from train_embedded_depth.looks import Look, look, near, picture
from train_embedded_depth.outdoors import car, house, lamp_post
from train_embedded_depth.people import face, figure, limb, person, skin_look
from train_embedded_depth.plants import bush, flower, flower_look, tree
from train_embedded_depth.rooms import shell
from train_embedded_depth.scenery import earth, ground, hills
from train_embedded_depth.structures import spread
from train_embedded_depth.world import World, turn

FOOD = ((0.9, 0.7, 0.4), (0.85, 0.15, 0.1), (0.5, 0.75, 0.2), (0.95, 0.85, 0.4), (0.35, 0.15, 0.08))


def _food_look(rng: Generator) -> Look:
    return near(rng, FOOD[rng.integers(len(FOOD))], "crust", "noise", "plain", "speckle", tile_m=rng.uniform(0.05, 0.3))


def slices(world: World, rng: Generator) -> None:
    """A row of slices of bread or sausage, leaning on each other, or a whole loaf."""
    paint, size = _food_look(rng), rng.uniform(0.06, 0.14)
    if rng.random() < 0.3:
        world.blob((0, size * 0.4, 0), (size * rng.uniform(1.5, 3), size, size * 1.2), paint)
        return
    tilt = turn(math.pi / 2, rng.uniform(0.2, 1.2))
    for x in 0.022 * np.arange(int(rng.integers(3, 9))):
        world.blob((x * rng.uniform(0.9, 1.4), size * 0.35, 0), (size, size * 0.8, 0.02), paint, tilt)


def plate(world: World, rng: Generator) -> None:
    """A plate or board with pieces of food, now and then empty."""
    broad, paint = rng.uniform(0.16, 0.34), near(rng, (0.9, 0.9, 0.88), "plain", "wood", "poster")
    if rng.random() < 0.7:
        world.post(0, 0, 0, 0.6 * broad, 0.012, paint)
        world.post(0, 0.012, 0, broad, 0.008, paint)
    else:
        world.block(0, 0, 0, (1.5 * broad, 0.02, broad), paint)
    for _ in range(int(rng.integers(0, 8))):
        x, z = rng.uniform(-0.3, 0.3, 2) * broad
        size, spot = rng.uniform(0.02, 0.09, 3), world.at(x, z, rng.uniform(0, 6), 0.02)
        if rng.random() < 0.6:
            spot.blob((0, 0.4 * size[1], 0), size, _food_look(rng))
        else:
            spot.block(0, 0, 0, size, _food_look(rng))
    if rng.random() < 0.4:
        slices(world.at(0, 0, rng.uniform(0, 6), 0.02), rng)


def glass(world: World, rng: Generator) -> None:
    """A tumbler, or a glass on a stem; shiny."""
    drink = near(rng, (0.5, 0.4, 0.35), "plain")
    paint = Look(drink.texture, drink.tile_m, drink.tint, 0.0, float(rng.uniform(0.2, 0.7)))
    width, height = rng.uniform(0.05, 0.09), rng.uniform(0.07, 0.16)
    if rng.random() < 0.5:
        world.post(0, 0, 0, width, height, paint)
        return
    world.post(0, 0, 0, 0.9 * width, 0.006, paint)
    world.post(0, 0, 0, 0.01, 0.09, paint)
    world.blob((0, 0.09 + height / 2, 0), (width, height, width), paint)


def bowl(world: World, rng: Generator) -> None:
    """A bowl heaped with fruit."""
    broad = rng.uniform(0.12, 0.3)
    world.blob((0, 0.15 * broad, 0), (broad, 0.5 * broad, broad), look(rng))
    fruit, size = _food_look(rng), rng.uniform(0.2, 0.4) * broad
    for _ in range(int(rng.integers(2, 9))):
        x, z = rng.uniform(-0.3, 0.3, 2) * broad
        world.blob((x, 0.45 * broad, z), size * rng.uniform(0.8, 1.2, 3), fruit)


def vase(world: World, rng: Generator) -> None:
    """A bellied vase or jug, mostly with a bunch of flowers."""
    height, paint = rng.uniform(0.12, 0.35), look(rng)
    width = height * rng.uniform(0.35, 0.8)
    world.blob((0, 0.4 * height, 0), (width, 0.8 * height, width), paint)
    world.post(0, 0.5 * height, 0, width * rng.uniform(0.3, 0.6), 0.5 * height, paint)
    petals = flower_look(rng)
    for _ in range(int(rng.integers(0, 9))):
        spot = world.at(0, 0, rng.uniform(0, 6.3), 0.9 * height)
        flower(spot, rng, height * rng.uniform(0.3, 0.9), rng.uniform(0.04, 0.12), petals)
        petals = petals if rng.random() < 0.6 else flower_look(rng)


def cutlery(world: World, rng: Generator) -> None:
    """A knife, spoon or pen."""
    world.block(0, 0, 0, (0.018, 0.008, rng.uniform(0.12, 0.25)), near(rng, (0.6, 0.6, 0.62), "plain", "wood"))
    world.blob((0, 0.01, 0.1), (0.03, 0.012, 0.06), near(rng, (0.6, 0.6, 0.62), "plain"))


def cup(world: World, rng: Generator) -> None:
    """A cup with a handle on a saucer; the drink is dark."""
    paint, size = look(rng, "plain", "poster", "fabric"), rng.uniform(0.06, 0.1)
    world.post(0, 0, 0, 1.7 * size, 0.01, paint)
    world.post(0, 0.01, 0, size, size, paint)
    world.post(0, 0.011 + size, 0, 0.85 * size, 0.002, near(rng, (0.1, 0.06, 0.03), "plain"))
    world.blob((0.6 * size, 0.55 * size, 0), (0.4 * size, 0.6 * size, 0.15 * size), paint)


TABLEWARE = (plate, plate, glass, bowl, vase, cutlery, cup, slices)


def _around(world: World, rng: Generator) -> None:
    """The room or garden in which a close-up is taken."""
    if rng.random() < 0.6:
        room = world.at(*rng.uniform(-1.2, 1.2, 2))
        shell(room, rng, rng.uniform(4, 9), rng.uniform(4, 9), 2.7)
        for _ in range(int(rng.integers(0, 4))):
            angle = rng.uniform(0, 6.3)
            ANYWHERE[rng.integers(len(ANYWHERE))](world.at(2 * math.sin(angle), 2 * math.cos(angle), angle), rng)
        return
    ground(world, earth(rng))
    for angle in np.linspace(0, 6.3, int(rng.integers(3, 12)), endpoint=False):
        away = rng.uniform(2, 12)
        bush(world.at(away * math.sin(angle), away * math.cos(angle)), rng, rng.uniform(0.5, 3))


def still_life(rng: Generator) -> tuple[World, np.ndarray]:
    """A laid table from close by, at any angle from level to straight down."""
    world, height = World(), rng.uniform(0.4, 0.95)
    width, depth = rng.uniform(0.7, 2.2), rng.uniform(0.5, 1.2)
    _around(world, rng)
    board = look(rng, "wood", "wood", "plain", "speckle", "noise", "fabric", "tiles", "stripes")
    world.block(0, height - 0.04, 0, (width, 0.04, depth), board)
    world.block(0, 0, 0, (0.1, height - 0.04, 0.1), board)
    if rng.random() < 0.3:
        world.block(0, height, 0, (0.6 * width, 0.004, 0.7 * depth), picture(rng, "stripes", "fabric", "poster"))
    for _ in range(int(rng.integers(1, 11))):
        x, z = rng.uniform(-0.32, 0.32, 2) * (min(width, 1.2), min(depth, 0.9))
        TABLEWARE[rng.integers(len(TABLEWARE))](world.at(x, z, rng.uniform(0, 6.3), height), rng)
    elevation, around, away = rng.uniform(0.1, 1.5), rng.uniform(0, 6.3), float(np.exp(rng.uniform(-0.9, 0.3)))
    target = np.array([rng.normal(0, 0.08), height + rng.uniform(0, 0.15), rng.normal(0, 0.08)])
    flat = math.cos(elevation)
    offset = np.array([flat * math.sin(around), math.sin(elevation), flat * math.cos(around)])
    return world, np.stack([target + away * offset, target])


def background(world: World, rng: Generator, away: float) -> None:
    """A street, a garden, hills or a room behind a subject at the origin, seen along +z from `away` before it."""
    if rng.random() < 0.3:
        length, front = rng.uniform(4, 9) + away, 1.3 * away + 0.5
        shell(world.at(0, length / 2 - front), rng, rng.uniform(3, 8), length, 2.8)
        for _ in range(int(rng.integers(1, 5))):
            ANYWHERE[rng.integers(len(ANYWHERE))](world.at(rng.uniform(-2, 2), rng.uniform(2, 6), 3.1), rng)
        return
    ground(world, earth(rng))
    hills(world, rng, rng.uniform(60, 200), int(rng.integers(0, 4)))
    makers = (tree, tree, car, lamp_post, _bush, _bystander, _house)
    for _ in range(int(rng.integers(2, 13))):
        away, bearing = float(np.exp(rng.uniform(np.log(3), np.log(50)))), rng.uniform(-0.7, 0.7)
        spot = world.at(away * math.sin(bearing), away * math.cos(bearing), rng.uniform(-0.6, 0.6))
        makers[rng.integers(len(makers))](spot, rng)


def _bush(world: World, rng: Generator) -> None:
    bush(world, rng, rng.uniform(0.6, 3))


def _bystander(world: World, rng: Generator) -> None:
    figure(world, rng, rng.uniform(1.2, 1.9))


def _house(world: World, rng: Generator) -> None:
    house(world.at(0, 8), rng, rng.uniform(5, 20))


def held(rng: Generator) -> tuple[World, np.ndarray]:
    """A thing that a hand holds, or that hangs or grows, close before the camera."""
    world, height, size = World(), rng.uniform(0.7, 1.8), rng.uniform(0.08, 0.3)
    away = rng.uniform(1.3, 4) * size + 0.15
    background(world, rng, away)
    subject, kind = world.at(0, 0, rng.uniform(0, 6.3), height), rng.random()
    if kind < 0.35:
        trinket(subject, rng, 1.4 * size)
    elif kind < 0.5:
        flower(world.at(0, 0, y=height - 0.3), rng, 0.35, size, flower_look(rng))
    elif kind < 0.7:
        animal(subject, rng, size)
    else:
        TABLEWARE[rng.integers(len(TABLEWARE))](subject, rng)
    if rng.random() < 0.6:
        palm, skin = np.array([0, height - 0.035, 0.02]), skin_look(rng)
        limb(world, palm, palm + rng.uniform((-0.25, -0.5, -0.4), (0.25, -0.25, -0.1)), 0.08, skin)
        for x in np.linspace(-0.035, 0.035, 4):
            knuckle = palm + np.array([x, 0, 0])
            limb(world, knuckle, knuckle + rng.uniform((-0.01, 0.04, -0.05), (0.01, 0.06, 0.03)), 0.02, skin)
    eye = np.array([rng.normal(0, 0.2) * away, height + rng.normal(0.1, 0.3) * away, -away])
    target = np.array([rng.normal(0, 0.25) * size, height + 0.5 * size + rng.normal(0, 0.2) * size, 0])
    return world, np.stack([eye, target])


def portrait(rng: Generator) -> tuple[World, np.ndarray]:
    """One to three people from close by, from the face alone to the whole body."""
    world, height, away = World(), rng.uniform(1.1, 1.9), spread(rng, 0.55, 2.8)
    background(world, rng, away)
    for x in (0.0, *rng.permutation([-0.55, 0.6]))[: int(rng.choice([1, 1, 1, 2, 3]))]:
        spot = world.at(x, rng.uniform(-0.1, 0.4) * (x != 0), rng.normal(0, 0.4))
        person(spot, rng, height * rng.uniform(0.9, 1.1) if x else height)
        face(spot, rng, height)
    aim = 0.9 * height
    eye = np.array([rng.normal(0, 0.15) * away, aim + rng.normal(0.05, 0.25) * away, -away])
    return world, np.stack([eye, (rng.normal(0, 0.1) * away, aim - rng.uniform(-0.05, 0.2) * away, 0)])
