"""Statues, columns and fountains on steps and pedestals."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.animals import animal
from train_embedded_depth.looks import Look, look, near
from train_embedded_depth.outdoors import house, lamp_post
from train_embedded_depth.people import figure, person, sitter
from train_embedded_depth.plants import bush, conifer, tree
from train_embedded_depth.rooms import shell
from train_embedded_depth.scenery import earth, ground, hills
from train_embedded_depth.structures import column, flight, railing
from train_embedded_depth.world import World


def statue(world: World, rng: Generator, size: float, stone: Look) -> None:
    """A person, an animal, a rider, an obelisk, a bust or a vase of stone or bronze, that high, facing -z."""
    kind = rng.random()
    if kind < 0.45:
        person(world, rng, size, stone)
    elif kind < 0.65:
        animal(world.at(0, 0, rng.choice([0, 1.5, -1.5])), rng, 0.8 * size, stone)
    elif kind < 0.75:
        turned = world.at(0, 0, rng.choice([0.0, 1.2, -1.2]))
        animal(turned, rng, 0.9 * size, stone)
        person(turned.at(0, 0, y=0.6 * size), rng, 0.8 * size, stone)
    elif kind < 0.85:
        for share in (0.0, 0.25, 0.5, 0.75):
            width = size * (0.25 - 0.17 * share)
            world.block(0, share * 1.5 * size, 0, (width, 0.375 * size, width), stone)
    else:
        world.blob((0, 0.4 * size, 0), (0.7 * size, 0.7 * size, 0.5 * size), stone)
        world.post(0, 0, 0, 0.3 * size, 0.8 * size, stone)
        world.blob((0, 0.9 * size, 0), (0.3 * size, 0.4 * size, 0.35 * size), stone)


def _pedestal(world: World, rng: Generator, broad: float, height: float, stone: Look) -> None:
    world.block(0, 0, 0, (1.3 * broad, 0.15 * height, 1.3 * broad), stone)
    if rng.random() < 0.6:
        world.block(0, 0, 0, (broad, height, broad), stone)
    else:
        column(world, broad, height, stone)
    world.block(0, 0.92 * height, 0, (1.2 * broad, 0.08 * height, 1.2 * broad), stone)


def _stairs(world: World, rng: Generator, stone: Look) -> tuple[World, float]:
    """Steps from the origin up along +z, or a stepped square; returns the top's frame, and how far it is."""
    count, rise, tread = int(rng.integers(2, 16)), rng.uniform(0.12, 0.25), rng.uniform(0.3, 0.6)
    top, run = count * rise, count * tread
    if rng.random() < 0.6:
        width = rng.uniform(4, 20)
        flight(world, count, rise, tread, width, stone)
        world.block(0, 0, run + 6, (2 * width, top, 12), stone)
        if rng.random() < 0.4:
            for x in (-width / 2, width / 2):
                railing(world, (x, 0, 0), (x, top, run), 0.9, stone, stone)
        return world.at(0, run + rng.uniform(1.2, 3), y=top), run + 2
    for step in range(count):
        side = 2 * (count - step) * tread + 2.5
        world.block(0, step * rise, run + 1.25, (side, rise, side), stone)
    return world.at(0, run + 1.25, y=top), run + 1.25


def monument(rng: Generator) -> tuple[World, np.ndarray]:
    """A statue above steps, people and pots on them, a square, garden or hall around."""
    world, paint = World(), look(rng, "tiles", "speckle", "bricks", "plain", tile_m=rng.uniform(0.5, 4))
    stone = near(rng, (0.7, 0.68, 0.62), "plain", "speckle", "noise", "bricks", tile_m=rng.uniform(0.5, 3))
    bronze = near(rng, (0.3, 0.35, 0.3), "plain", "noise") if rng.random() < 0.5 else stone
    ground(world, paint if rng.random() < 0.7 else earth(rng))
    top, away = _stairs(world, rng, stone)
    size, height = rng.uniform(0.8, 3.5), rng.uniform(0.3, 3.5)
    _pedestal(top, rng, size * rng.uniform(0.5, 0.9), height, stone)
    statue(top.at(0, 0, rng.normal(0, 0.4), height), rng, size, bronze)
    _visitors(world, top, rng, away)
    if rng.random() < 0.2:
        shell(world.at(0, away), rng, rng.uniform(8, 20), rng.uniform(2 * away + 8, 2 * away + 20), top.origin[1] + 9)
    else:
        _surroundings(world.at(0, away), rng)
    back = rng.uniform(0.8, 7)
    eye = np.array([rng.normal(0, 0.3) * back, rng.uniform(0.4, 2.2), -back])
    aim = top.origin[1] + height + size * rng.uniform(-0.7, 0.8)
    return world, np.stack([eye, (rng.normal(0, 0.8), aim * rng.uniform(0.5, 1), away)])


def _visitors(world: World, top: World, rng: Generator, away: float) -> None:
    """People before and on the steps, some seated; pots and lions of stone at their sides."""
    for _ in range(int(rng.integers(0, 6))):
        x, z = rng.uniform(-4, 4), rng.uniform(-3, 0)
        spot = world.at(x, z, rng.uniform(0, 6))
        person(spot, rng, rng.uniform(1.1, 1.9)) if rng.random() < 0.6 else figure(top.at(x, 1), rng, 1.7)
    if rng.random() < 0.3:
        sitter(world.at(rng.uniform(-1.5, 1.5), 0.25), rng, 1.7, 0.25)
    if rng.random() < 0.4:
        kind = rng.random()
        for x in (-2.5, 2.5):
            spot = world.at(x, rng.uniform(-0.5, 0))
            spot.block(0, 0, 0, (0.8, 0.8, 0.8), look(rng, "plain", "bricks"))
            bush(spot.at(0, 0, y=0.8), rng, 0.8) if kind < 0.5 else animal(spot.at(0, 0, y=0.8), rng, 0.8)


def _surroundings(world: World, rng: Generator) -> None:
    """Facades, trees and lamps behind and at the sides."""
    makers = (tree, tree, conifer, lamp_post)
    for bearing in rng.uniform(-1.3, 1.3, int(rng.integers(2, 11))):
        away = rng.uniform(8, 45)
        spot = world.at(away * math.sin(bearing), away * math.cos(bearing), bearing)
        house(spot.at(0, 6), rng, rng.uniform(6, 30)) if rng.random() < 0.5 else makers[rng.integers(4)](spot, rng)
    hills(world, rng, 120, int(rng.integers(0, 3)))
