"""People who sit on benches, chairs and sofas or stand about, in full, with what is around them."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.animals import animal
from train_embedded_depth.closeups import background
from train_embedded_depth.furniture import chair, sofa, table
from train_embedded_depth.looks import look, near
from train_embedded_depth.people import face, person, sitter
from train_embedded_depth.plants import bush, tuft
from train_embedded_depth.structures import spread
from train_embedded_depth.world import World, turn


def bench(world: World, rng: Generator) -> float:
    """A bench, its front towards -z; returns its width."""
    width, paint = rng.uniform(0.9, 2.2), near(rng, (0.6, 0.45, 0.3), "wood", "wood", "plain", "bricks")
    world.block(0, 0.4, 0, (width, 0.05, 0.45), paint)
    for side in (-0.45, 0.45):
        world.block(side * width, 0, 0, (0.07, 0.42, 0.4), paint)
        if rng.random() < 0.5:
            world.block(1.1 * side * width, 0.4, 0, (0.06, 0.3, 0.45), paint)
    for level in (0.55, 0.72) if rng.random() < 0.8 else ():
        world.box((0, level, 0.24), (width, 0.12, 0.03), paint, turn(0, 0.15))
    return width


def _seated(world: World, rng: Generator) -> None:
    """One to three people on a bench, a sofa or chairs at a table, now and then with an animal."""
    kind = rng.random()
    if kind < 0.5:
        width = bench(world, rng)
    elif kind < 0.75:
        sofa(world, rng)
        width = 1.2
    else:
        table(world.at(0, -0.7), rng)
        chair(world, rng)
        width = 0.4
    for x in rng.permutation([-0.33, 0.0, 0.33])[: int(rng.integers(1, 1 + min(3, math.ceil(1.6 * width))))]:
        height, spot = rng.uniform(1.2, 1.85), world.at(x * width, -0.02, rng.normal(0, 0.2))
        sitter(spot, rng, height, 0.47)
        face(spot.at(0, 0, y=0.47 - 0.45 * height), rng, height)
    if rng.random() < 0.2:
        animal(world.at(rng.uniform(-1, 1), -0.6, rng.uniform(0, 6)), rng, rng.uniform(0.3, 0.6), None, 0.2)


def _standing(world: World, rng: Generator) -> None:
    height = rng.uniform(1.0, 1.9)
    person(world, rng, height)
    face(world, rng, height)
    if rng.random() < 0.3:
        skirt = (0.32 * height, 0.35 * height, 0.3 * height)
        world.blob((0, 0.45 * height, 0), skirt, look(rng, "fabric", "plain", "poster"))


def group(rng: Generator) -> tuple[World, np.ndarray]:
    """People from two to six meters away, whole, from eye height or from above; others behind them, plants around."""
    world, away = World(), spread(rng, 1.6, 5.5)
    background(world, rng, away)
    for number, behind in enumerate((0.0, *np.exp(rng.uniform(np.log(0.5), np.log(12), int(rng.integers(0, 6)))))):
        spot = world.at(rng.normal(0, 0.4) * (behind + 0.3), float(behind), rng.normal(0, 0.6))
        _seated(spot, rng) if rng.random() < (0.6 if number == 0 else 0.25) else _standing(spot, rng)
    for x in rng.uniform(-2, 2, int(rng.integers(0, 6))):
        spot = world.at(float(x), rng.uniform(-0.5, 2))
        bush(spot, rng, rng.uniform(0.3, 1.2)) if rng.random() < 0.6 else tuft(spot, rng, rng.uniform(0.2, 0.8))
    rise = rng.uniform(0.5, 1.7)
    if rng.random() < 0.25:
        rise += rng.uniform(0.5, 1.5)
    eye = np.array([rng.normal(0, 0.25) * away, rise, -away])
    return world, np.stack([eye, (rng.normal(0, 0.3), rng.uniform(0.5, 1.2), 0)])
