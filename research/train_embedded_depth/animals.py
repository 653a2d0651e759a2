"""Four-legged animals of ellipsoids: cats and dogs at home and in yards, herds on grass."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.furniture import chair, plant, sofa, table
from train_embedded_depth.looks import Look, look, near, picture
from train_embedded_depth.people import limb
from train_embedded_depth.plants import bush, tree, tuft
from train_embedded_depth.rooms import shell
from train_embedded_depth.scenery import earth, ground, hills, treeline
from train_embedded_depth.world import World, turn


def coat(rng: Generator, length: float) -> Look:
    """Fur in one or several colors."""
    return near(rng, (0.85, 0.8, 0.75), "fur", "fur", "noise", "plain", tile_m=length * rng.uniform(0.5, 2))


def animal(
    world: World,
    rng: Generator,
    length: float,
    paint: Look | None = None,
    neck_share: float = 0.7,
    head_share: float = 0.4,
) -> None:
    """A standing, sitting or lying animal whose trunk has that length in meters, facing -z; its neck up to a share."""
    paint, pose = paint or coat(rng, length), rng.random()
    girth, legs = length * rng.uniform(0.35, 0.6), length * rng.uniform(0.3, 0.8)
    neck = np.array([rng.normal(0, 0.1), rng.uniform(0.1, neck_share), -rng.uniform(0.1, 0.35)]) * length
    if pose < 0.45:
        front = _standing(world, rng, length, girth, legs, paint)
    elif pose < 0.75:
        front, neck = _sitting(world, length, girth, paint), neck * (1, 0.6, 0.6)
    else:
        front = _lying(world, length, girth, paint)
    limb(world, front, front + neck, 0.5 * girth, paint)
    x, y, z = front + neck
    head = world.at(x, z, rng.normal(0, 0.6), y)
    animal_head(head, rng, length * head_share * rng.uniform(0.8, 1.25), paint)


def _standing(world: World, rng: Generator, length: float, girth: float, legs: float, paint: Look) -> np.ndarray:
    """Trunk on four legs, with a tail; returns where the neck begins."""
    height = legs + 0.4 * girth
    world.blob((0, height, 0), (0.85 * girth, girth, 1.1 * length), paint)
    world.blob((0, height, -0.3 * length), (0.85 * girth, 1.1 * girth, 0.6 * length), paint)
    for x in (-1, 1):
        for z in (-0.38, 0.36):
            hip = np.array([0.28 * x * girth, height - 0.1 * girth, z * length])
            foot = np.array([hip[0], 0.06 * length, hip[2] + rng.normal(0, 0.1) * length])
            limb(world, hip, foot, 0.14 * length, paint)
    tip = np.array([0.1 * length, height + rng.uniform(-0.5, 0.5) * length, 0.5 * length + 0.35 * length])
    world.rod((0, height + 0.2 * girth, 0.48 * length), tip, 0.08 * length, paint)
    return np.array([0, height + 0.25 * girth, -0.45 * length])


def _sitting(world: World, length: float, girth: float, paint: Look) -> np.ndarray:
    """Upright trunk on its haunches, front legs straight."""
    world.blob((0, 0.45 * length, 0.1 * length), (girth, 1.05 * length, 0.9 * girth), paint, turn(0, -0.5))
    for x in (-1, 1):
        world.blob((0.4 * x * girth, 0.18 * length, 0.25 * length), (0.3 * length, 0.4 * length, 0.5 * length), paint)
        shoulder = np.array([0.22 * x * girth, 0.55 * length, -0.2 * length])
        limb(world, shoulder, np.array([shoulder[0], 0.06 * length, -0.32 * length]), 0.13 * length, paint)
    world.rod((0, 0.08 * length, 0.4 * length), (0.5 * length, 0.05 * length, 0.5 * length), 0.09 * length, paint)
    return np.array([0, 0.85 * length, -0.12 * length])


def _lying(world: World, length: float, girth: float, paint: Look) -> np.ndarray:
    """Trunk on the ground, legs stretched out to the front and side."""
    world.blob((0, 0.42 * girth, 0), (1.05 * girth, 0.85 * girth, 1.15 * length), paint)
    world.blob((0.3 * girth, 0.35 * girth, 0.3 * length), (0.6 * girth, 0.7 * girth, 0.5 * length), paint)
    for x in (-1, 1):
        hip = np.array([0.25 * x * girth, 0.15 * girth, -0.35 * length])
        limb(world, hip, hip + np.array([0.05 * x, -0.02, -0.4]) * length, 0.12 * length, paint)
    world.rod((0, 0.1 * girth, 0.5 * length), (0.4 * length, 0.06 * length, 0.75 * length), 0.09 * length, paint)
    return np.array([0, 0.6 * girth, -0.45 * length])


def animal_head(world: World, rng: Generator, size: float, paint: Look) -> None:
    """Skull, snout, ears, eyes and nose around the origin, facing -z."""
    snout, dark = rng.uniform(0.15, 0.8) * size, near(rng, (0.06, 0.05, 0.05), "plain")
    world.blob((0, 0, 0), (0.95 * size, 0.85 * size, 0.95 * size), paint)
    world.blob((0, -0.15 * size, -0.4 * size), (0.5 * size, 0.4 * size, 0.5 * size + snout), paint)
    world.blob((0, -0.1 * size, -0.65 * size - snout / 2), (0.16 * size, 0.12 * size, 0.1 * size), dark)
    hang, long = rng.uniform(-0.6, 0.6), rng.uniform(0.3, 0.7) * size
    for x in (-1, 1):
        ear = (0.33 * x * size, 0.4 * size + 0.3 * hang * size, 0.05 * size)
        world.blob(ear, (0.3 * size, long, 0.1 * size), paint, turn(0, 0, -0.3 * x + (hang < -0.3) * 0.8 * x))
        world.blob((0.22 * x * size, 0.1 * size, -0.42 * size), (0.14 * size, 0.14 * size, 0.1 * size), dark)


def pets(rng: Generator) -> tuple[World, np.ndarray]:
    """One to five cats or dogs on a sofa, a floor or a yard, from their own height or from above."""
    world, inside = World(), rng.random() < 0.65
    seat, (width, length), away = 0.0, rng.uniform(3, 7, 2), float(np.exp(rng.uniform(np.log(0.7), np.log(2.5))))
    if inside:
        shell(world.at(0, length / 2 - away - 0.4), rng, width, length, 2.6)
        if rng.random() < 0.5:
            world.block(0, 0, 0.3, (rng.uniform(1, 2.5), 0.012, rng.uniform(1, 2)), picture(rng, "stripes", "fabric"))
        if rng.random() < 0.45:
            sofa(world.at(0, 0.15), rng)
            seat = 0.45
        for maker in rng.permutation(np.array([table, chair, plant, chair], object))[: int(rng.integers(0, 4))]:
            maker(world.at(rng.uniform(-0.4, 0.4) * width, rng.uniform(0.2, 0.6) * length, rng.uniform(0, 6)), rng)
    else:
        ground(world, earth(rng) if rng.random() < 0.5 else look(rng, "speckle", "tiles", "bricks", "plain"))
        _yard(world, rng)
    size = rng.uniform(0.3, 0.55)
    for number in range(int(rng.choice([1, 1, 2, 3, 5]))):
        x, z = (rng.normal(0, 0.15), -0.1) if number == 0 else (rng.uniform(-1, 1), rng.uniform(-0.6, 1.8))
        level = seat if number == 0 or (abs(x) < 0.8 and abs(z) < 0.2) else 0.0
        animal(
            world.at(float(x), float(z), rng.normal(0, 1.2), level), rng, size * rng.uniform(0.7, 1.2), None, 0.2, 0.46
        )
    eye = np.array([rng.normal(0, 0.3) * away, seat + size * rng.uniform(0.5, 1) + rng.uniform(0, 0.9) * away, -away])
    return world, np.stack([eye, (rng.normal(0, 0.15), seat + size * rng.uniform(0.2, 0.8), 0)])


def _yard(world: World, rng: Generator) -> None:
    """A wall, boxes, pots and bushes some meters behind."""
    if rng.random() < 0.6:
        wall = look(rng, "bricks", "plain", "wood", "noise", "panels", tile_m=rng.uniform(1, 3))
        world.block(0, 0, rng.uniform(2.5, 8), (rng.uniform(5, 20), rng.uniform(0.8, 4), 0.3), wall)
    for _ in range(int(rng.integers(1, 8))):
        spot = world.at(rng.uniform(-3, 3), rng.uniform(1, 7), rng.uniform(0, 6))
        kind, size = rng.random(), rng.uniform(0.2, 0.9, 3)
        if kind < 0.35:
            spot.block(0, 0, 0, size, look(rng))
        elif kind < 0.7:
            bush(spot, rng, size[0] * 1.5)
        else:
            plant(spot, rng)


def herd(rng: Generator) -> tuple[World, np.ndarray]:
    """Horses, cows, sheep or deer on grass, at several distances."""
    world, size = World(), rng.uniform(0.6, 1.9)
    ground(world, earth(rng))
    hills(world, rng, rng.uniform(60, 200), int(rng.integers(0, 4)))
    if rng.random() < 0.6:
        treeline(world, rng, rng.uniform(15, 70), rng.uniform(3, 9))
    paint = coat(rng, size)
    for z in (0.1, *np.exp(rng.uniform(np.log(0.2), np.log(25), int(rng.integers(0, 8))))):
        spot = world.at(rng.uniform(-0.6, 0.6) * (z + 2), float(z), rng.uniform(0, 6.3))
        animal(spot, rng, size * rng.uniform(0.7, 1.1), paint if rng.random() < 0.5 else None)
    for _ in range(int(rng.integers(0, 8))):
        spot = world.at(rng.uniform(-4, 4), rng.uniform(-2, 12))
        tuft(spot, rng, rng.uniform(0.2, 0.7)) if rng.random() < 0.6 else tree(spot.at(0, 8), rng)
    if rng.random() < 0.3:
        for x in np.arange(-6, 6, 2.0):
            world.grate((x, 0.6, rng.choice([-1.2, 6.0])), 2, 1.2, near(rng, (0.5, 0.4, 0.3), "wood"))
    away, angle = size * rng.uniform(1.5, 5), rng.normal(0, 0.2)
    eye = np.array([away * math.sin(angle), rng.uniform(0.5, 2.4), -away])
    return world, np.stack([eye, (rng.normal(0, 0.5), size * rng.uniform(0.3, 1.1), 2)])
