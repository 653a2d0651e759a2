"""What lies around and behind outdoor worlds: ground, water, hills, rows of trees, towns in the distance."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.looks import Look, look, near
from train_embedded_depth.plants import conifer, leaves, tree
from train_embedded_depth.world import World


def ground(world: World, paint: Look, top: float = 0.0) -> None:
    """Level ground to the horizon."""
    world.box((0, top - 0.5, 0), (800, 1, 800), paint)


def earth(rng: Generator) -> Look:
    """Grass, soil, sand, snow."""
    colors = ((0.7, 0.8, 0.5), (0.45, 0.35, 0.25), (0.8, 0.7, 0.5), (0.9, 0.9, 0.95))
    color = colors[rng.choice(4, p=[0.6, 0.2, 0.12, 0.08])]
    return near(rng, color, "foliage", "foliage", "land", "speckle", "plain", tile_m=rng.uniform(0.8, 4))


def water(rng: Generator) -> Look:
    """Ripples that mirror the sky more or less."""
    paint = near(rng, (0.2, 0.35, 0.45), "waves", "waves", "plain", "noise", tile_m=rng.uniform(2, 15))
    return Look(paint.texture, paint.tile_m, paint.tint, 0.0, float(rng.uniform(0.1, 0.85)))


def hills(world: World, rng: Generator, distance: float, count: int) -> None:
    """Hills and mountains from that distance on, the farther the higher."""
    for share in np.sort(rng.random(count)):
        away, bearing = distance * (1 + 2 * share), rng.uniform(-1.1, 1.1)
        broad, height = away * rng.uniform(0.8, 3), away * rng.uniform(0.03, 0.3)
        place = (away * math.sin(bearing), -0.05 * height, away * math.cos(bearing))
        color = (0.45, 0.55, 0.4) if rng.random() < 0.6 else (0.4, 0.45, 0.6)
        paint = near(rng, color, "foliage", "foliage", "land", "plain", "crust", tile_m=away * rng.uniform(0.1, 0.6))
        world.blob(place, (broad, 2 * height, min(0.7 * broad, 0.8 * away)), paint)


def treeline(world: World, rng: Generator, distance: float, height: float) -> None:
    """The rim of a wood across the view: spiky rows before a dark body, and a few trees of their own before it."""
    paint = leaves(rng)
    spread = 2.2 * distance
    for x in np.linspace(-spread, spread, 7):
        row = world.at(float(x), distance + rng.uniform(-0.1, 0.1) * distance)
        if rng.random() < 0.6:
            row.blades(0, 0, 0, spread * 0.5, height * rng.uniform(1.0, 1.8), paint)
        row.blob((0, height * 0.2, 4), (spread * rng.uniform(0.3, 0.6), height * rng.uniform(1, 1.8), 6), paint)
    for _ in range(int(rng.integers(0, 5))):
        spot = world.at(rng.uniform(-0.8, 0.8) * distance, distance * rng.uniform(0.5, 0.95))
        (tree, conifer)[rng.integers(2)](spot, rng)


def skyline(world: World, rng: Generator, distance: float, count: int) -> None:
    """Tall and low buildings in the distance, some of them thin towers."""
    for _ in range(count):
        away, bearing = distance * rng.uniform(1, 2), rng.uniform(-1.0, 1.0)
        spot = world.at(away * math.sin(bearing), away * math.cos(bearing), rng.normal(0, 0.6))
        height = distance * float(np.exp(rng.uniform(np.log(0.05), np.log(0.6))))
        width = height * float(np.exp(rng.uniform(np.log(0.2), np.log(2.5))))
        paint = look(rng, "facade", "facade", "tiles", "plain", tile_m=rng.uniform(5, 25))
        spot.block(0, 0, 0, (width, height, width), paint)
        if rng.random() < 0.3:
            spot.block(0, height, 0, (0.4 * width, 0.3 * height, 0.4 * width), paint)
