"""Bridges, from their deck and from the bank or the water below."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.looks import Look, look, near
from train_embedded_depth.outdoors import car, lamp_post
from train_embedded_depth.people import figure
from train_embedded_depth.plants import bush, tuft
from train_embedded_depth.scenery import earth, ground, hills, skyline, treeline, water
from train_embedded_depth.structures import arch, railing, spread
from train_embedded_depth.towns import passer_by
from train_embedded_depth.world import World


def _steel(rng: Generator) -> Look:
    colors = ((0.2, 0.2, 0.22), (0.6, 0.15, 0.1), (0.5, 0.55, 0.55), (0.7, 0.65, 0.55))
    return near(rng, colors[rng.integers(4)], "plain", "noise", "crust", "bricks")


def _valley(world: World, rng: Generator, depth: float) -> None:
    """Water below, shores with woods or towns, hills."""
    ground(world, water(rng) if rng.random() < 0.8 else earth(rng), -depth)
    away = rng.uniform(70, 200)
    below = world.at(0, 0, y=-depth)
    if rng.random() < 0.6:
        treeline(below, rng, away, rng.uniform(4, 12))
    skyline(below, rng, 1.1 * away, int(rng.integers(0, 12)))
    hills(below, rng, 1.5 * away, int(rng.integers(0, 5)))


def _truss(world: World, rng: Generator, half: float, length: float, paint: Look) -> None:
    """Posts, diagonals, and beams across the top: a deck in a cage of steel."""
    height, bay = rng.uniform(4.5, 8), rng.uniform(4, 8)
    thick = rng.uniform(0.12, 0.4)
    for z in np.arange(1, length, bay):
        for x in (-half, half):
            world.block(x, 0, z, (thick, height, thick), paint)
            world.rod((x, 0, z), (x, height, z + bay), 0.7 * thick, paint)
        world.box((0, height, z), (2 * half, thick, thick), paint)
        world.rod((-half, height, z), (half, height, z + bay), 0.5 * thick, paint)
    for x in (-half, half):
        world.box((x, height, length / 2), (thick, thick, length), paint)


def _tower(world: World, rng: Generator, half: float, height: float, reach: float, paint: Look) -> None:
    """Two legs with beams between them, and cables down to the deck on both sides."""
    thick = rng.uniform(0.08, 0.2) * height
    for x in (-half, half):
        world.block(x, -10, 0, (thick, height + 10, thick), paint)
        for end in (-1, 1):
            if rng.random() < 0.5:
                arch(world, (x, height, 0), (x, 1, end * reach), -0.15 * height, 0.25, paint, 6)
            for share in np.linspace(0.25, 1, 5):
                world.rod((x, height * (0.4 + 0.6 * share), 0), (x, 0, end * share * reach), 0.1, paint)
    for level in (0.5, 0.97):
        world.box((0, level * height, 0), (2 * half, 0.5 * thick, 0.6 * thick), paint)


def deck(rng: Generator) -> tuple[World, np.ndarray]:
    """On a bridge, along it or over its railing."""
    world, half, length = World(), spread(rng, 1.2, 8), rng.uniform(40, 150)
    depth, paint = spread(rng, 3, 40), _steel(rng)
    _valley(world, rng, depth)
    road = look(rng, "speckle", "wood", "plain", "tiles", tile_m=rng.uniform(0.5, 3))
    world.block(0, -0.4, length / 2 - 10, (2 * half, 0.4, length), road)
    bars = paint if rng.random() < 0.6 else _steel(rng)
    for x in (-half, half):
        railing(world, (x, 0, -3), (x, 0, min(length - 10, 30)), rng.uniform(0.9, 1.3), bars, paint)
        world.box((x, 0.5, 60), (0.15, 1.0, 60), bars)
    style = rng.random()
    if style < 0.4:
        _truss(world, rng, half, min(length, 60), paint)
    elif style < 0.75:
        for z in (rng.uniform(10, 30), rng.uniform(60, 100)):
            _tower(world.at(0, z), rng, half + 0.5, rng.uniform(9, 25), rng.uniform(12, 25), paint)
    if style < 0.2 or style > 0.85:
        for x in (-half, half):
            arch(world, (x, 0, rng.uniform(2, 6)), (x, 0, 45), rng.uniform(4, 9), rng.uniform(0.3, 0.7), paint)
    _traffic(world, rng, half)
    eye = np.array([rng.uniform(-0.7, 0.7) * half, rng.uniform(1.0, 2.2), 0.0])
    aside = rng.normal(0, 3) if rng.random() < 0.7 else rng.choice([-1, 1]) * rng.uniform(6, 30)
    return world, np.stack([eye, (aside, eye[1] + rng.normal(0.3, 1.5), 14)])


def _traffic(world: World, rng: Generator, half: float) -> None:
    for z in np.exp(rng.uniform(np.log(3), np.log(45), int(rng.integers(0, 7)))):
        spot = world.at(rng.uniform(-0.7, 0.7) * half, float(z))
        if half > 3 and rng.random() < 0.4:
            car(spot, rng)
        elif rng.random() < 0.8:
            passer_by(spot, rng, float(z))
        else:
            lamp_post(world.at(half, float(z)), rng)


def side(rng: Generator) -> tuple[World, np.ndarray]:
    """A bridge across the view: piers and arches, or towers and cables; from the bank, or from right below."""
    world, level, span = World(), spread(rng, 4, 20), spread(rng, 10, 40)
    ground(world, water(rng), -0.5)
    away, paint, broad = spread(rng, 8, 60), _steel(rng), rng.uniform(3, 10)
    bridge = world.at(0, away, rng.normal(0, 0.45))
    bridge.box((0, level, 0), (300, rng.uniform(0.5, 1.5), broad), paint)
    railing(bridge, (-20, level + 0.5, -broad / 2), (20, level + 0.5, -broad / 2), 1.1, paint, paint)
    style, shift = rng.random(), rng.uniform(-0.5, 0.5) * span
    for x in span * np.arange(-2, 3) + shift:
        bridge.block(x, -1, 0, (0.08 * span, level + 1, 0.9 * broad), paint)
        if style < 0.6:
            for z in (-broad / 2, broad / 2):
                arch(bridge, (x, 0.35 * level, z), (x + span, 0.35 * level, z), 0.6 * level, 0.5, paint, 8)
    if style > 0.5:
        for x in (shift - span, shift + span):
            tower = bridge.at(x, 0, math.pi / 2, level)
            _tower(tower, rng, broad / 2, span * rng.uniform(0.3, 0.7), 0.9 * span, paint)
    for x in np.linspace(-25, 25, int(rng.integers(0, 5))):
        figure(bridge.at(float(x), -0.4 * broad, y=level + 0.5), rng, 1.75)
    _banks(world, rng, away)
    below = rng.random() < 0.3
    eye = np.array([rng.uniform(-3, 3), rng.uniform(1.0, 3.0), 0.85 * away if below else 0.0])
    return world, np.stack([eye, (rng.normal(0, 4), level * rng.uniform(0.2, 0.8), eye[2] + max(away, 12))])


def _banks(world: World, rng: Generator, away: float) -> None:
    """A near shore with grass, a far one with trees, houses and hills."""
    land, far = earth(rng), away + rng.uniform(30, 120)
    world.blob((0, -0.6, -4), (60, 1.3, rng.uniform(10, 16)), land)
    world.block(0, -1, far + 100, (800, rng.uniform(0.8, 4), 200), land)
    for _ in range(int(rng.integers(0, 9))):
        spot = world.at(rng.uniform(-5, 5), rng.uniform(1.5, 4))
        tuft(spot, rng, rng.uniform(0.3, 1.2)) if rng.random() < 0.7 else bush(spot, rng, rng.uniform(0.4, 1.5))
    treeline(world, rng, far, rng.uniform(4, 12))
    skyline(world, rng, far, int(rng.integers(0, 10)))
    hills(world, rng, 1.5 * far, int(rng.integers(0, 4)))
