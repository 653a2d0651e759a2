"""Things that stand in rooms and on tables, each in its own frame: foot at the origin, front towards -z."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from train_embedded_depth.looks import Look, look, picture
from train_embedded_depth.people import person
from train_embedded_depth.world import World, turn


def _legs(world: World, rng: Generator, width: float, depth: float, height: float) -> None:
    thin, paint = float(rng.uniform(0.02, 0.08)), look(rng, "plain", "wood")
    for x in (-1, 1):
        for z in (-1, 1):
            foot = (x * (width / 2 - thin), z * (depth / 2 - thin))
            if rng.random() < 0.5:
                world.block(foot[0], 0, foot[1], (thin, height, thin), paint)
            else:
                world.post(foot[0], 0, foot[1], thin, height, paint)


def table(world: World, rng: Generator) -> None:
    """A table or desk, round or not, with things on it."""
    width, depth, height = rng.uniform(0.6, 2.0), rng.uniform(0.5, 1.0), rng.uniform(0.35, 0.9)
    paint, thick = look(rng, "wood", "plain", "speckle"), rng.uniform(0.02, 0.08)
    if rng.random() < 0.25:
        world.post(0, height, 0, depth * 1.3, thick, paint)
        world.post(0, 0, 0, 0.12, height, paint)
    else:
        world.block(0, height, 0, (width, thick, depth), paint)
        _legs(world, rng, width, depth, height)
    clutter(world, rng, width, depth, height + thick, int(rng.integers(0, 7)))


def chair(world: World, rng: Generator) -> None:
    """A seat on legs, with a back of slats or a board."""
    width, height, back = rng.uniform(0.38, 0.6), rng.uniform(0.4, 0.75), rng.uniform(0.3, 0.7)
    paint = look(rng, "wood", "plain", "fabric")
    world.block(
        0, height - 0.05, 0, (width, rng.uniform(0.03, 0.12), width), look(rng) if rng.random() < 0.5 else paint
    )
    if rng.random() < 0.25:
        world.post(0, 0, 0, 0.06, height, paint)
        world.post(0, 0, 0, width, 0.05, paint)
    else:
        _legs(world, rng, width, width, height)
    tilt = turn(0, rng.uniform(0, 0.25))
    if rng.random() < 0.5:
        world.box((0, height + back / 2, width / 2), (width, back, 0.04), paint, tilt)
        return
    for x in np.linspace(-0.45, 0.45, int(rng.integers(2, 6))):
        world.box((x * width, height + back / 2, width / 2), (0.04, back, 0.03), paint, tilt)
    world.box((0, height + back, width / 2), (width, 0.1, 0.03), paint, tilt)


def sofa(world: World, rng: Generator) -> None:
    """A sofa or armchair with cushions."""
    width, depth, seat = rng.uniform(0.7, 2.4), rng.uniform(0.7, 1.0), rng.uniform(0.35, 0.5)
    paint, arm, back = look(rng, "fabric", "plain", "noise"), rng.uniform(0.1, 0.25), rng.uniform(0.6, 1.0)
    world.block(0, 0.05, 0, (width, seat - 0.05, depth), paint)
    world.block(0, 0.05, depth / 2 - 0.1, (width, back, 0.2), paint)
    for side in (-1, 1):
        world.block(side * (width - arm) / 2, 0.05, 0, (arm, seat + 0.15, depth), paint)
    for x in np.linspace(-0.35, 0.35, int(rng.integers(1, 4))) if rng.random() < 0.7 else ():
        tilt = turn(rng.uniform(-0.3, 0.3), rng.uniform(0.1, 0.4))
        world.blob((x * width, seat + 0.2, depth / 4), (0.45, 0.4, 0.18), look(rng, "fabric", "poster"), tilt)


def bed(world: World, rng: Generator) -> None:
    """A bed, its head at +z."""
    width, height = rng.uniform(0.9, 2.0), rng.uniform(0.3, 0.65)
    world.block(0, 0, 0, (width, height, 2.0), look(rng, "fabric", "noise", "stripes"))
    world.block(0, 0, 1.0, (width, height + rng.uniform(0.2, 0.8), 0.08), look(rng, "wood", "plain"))
    for x in (-0.25, 0.25):
        world.blob((x * width, height + 0.06, 0.7), (0.6, 0.22, 0.4), look(rng, "fabric"))


def shelf(world: World, rng: Generator) -> None:
    """Boards between sides, with rows of books and things."""
    width, depth, height = rng.uniform(0.6, 2.4), rng.uniform(0.2, 0.45), rng.uniform(0.8, 2.4)
    paint, rows = look(rng, "wood", "plain"), int(rng.integers(2, 6))
    if rng.random() < 0.6:
        world.block(0, 0, depth / 2, (width, height, 0.02), paint)
    for side in (-1, 1):
        world.block(side * width / 2, 0, 0, (0.03, height, depth), paint)
    for row in range(rows + 1):
        world.block(0, row * height / rows, 0, (width, 0.03, depth), paint)
        if row < rows and rng.random() < 0.6:
            filled = rng.uniform(0.3, 1) * width
            size = (filled, rng.uniform(0.5, 0.9) * height / rows, depth * 0.7)
            world.block(
                (width - filled) / 2 * rng.uniform(-1, 1), row * height / rows, 0.02, size, picture(rng, "books")
            )


def cabinet(world: World, rng: Generator) -> None:
    """A cupboard, fridge or chest of drawers, things on top."""
    width, depth, height = rng.uniform(0.4, 1.6), rng.uniform(0.35, 0.7), float(rng.choice([0.8, 1.1, 1.9]))
    height *= rng.uniform(0.8, 1.15)
    world.block(0, 0, 0, (width, height, depth), picture(rng, "panels") if rng.random() < 0.7 else look(rng))
    if height < 1.4:
        clutter(world, rng, width, depth, height, int(rng.integers(0, 5)))


def counter(world: World, rng: Generator, length: float | None = None) -> None:
    """A long kitchen counter: fronts, a worktop, things on it, cupboards above."""
    length = float(rng.uniform(1.5, 5)) if length is None else length
    fronts, depth = look(rng, "panels", "plain", "plain", "wood", tile_m=rng.uniform(0.5, 1.2)), rng.uniform(0.5, 0.7)
    if rng.random() < 0.5:
        world.block(0, 0.1, 0.02, (length, 0.78, depth), fronts)
    else:
        _doors(world, rng, length, depth, fronts)
    world.block(0, 0.88, 0, (length, 0.04, depth + 0.04), look(rng, "speckle", "plain", "wood"))
    clutter(world, rng, length, depth, 0.92, int(rng.integers(1, 10)))
    if rng.random() < 0.5:
        world.block(0, rng.uniform(1.35, 1.6), depth / 2 - 0.16, (length * rng.uniform(0.5, 1), 0.7, 0.32), fronts)


def _doors(world: World, rng: Generator, length: float, depth: float, fronts: Look) -> None:
    """Cupboards below a worktop: boards with gaps between them, over a base that stands back, with bars to pull."""
    world.block(0, 0, 0.06, (length, 0.88, depth - 0.06), look(rng, "plain"))
    bar, upright = look(rng, "plain"), rng.random() < 0.3
    for x in np.arange(-length / 2, length / 2 - 0.2, width := rng.uniform(0.35, 0.9)):
        middle, board = x + width / 2, 0.02 - depth / 2
        world.block(middle, 0.12, board, (width - 0.008, 0.75, 0.04), fronts)
        size = (0.015, 0.25, 0.03) if upright else (0.6 * width, 0.015, 0.03)
        world.box((middle + (0.4 * width if upright else 0), 0.76, board - 0.035), size, bar)


def screen(world: World, rng: Generator) -> None:
    """A television or monitor on its foot."""
    width = rng.uniform(0.4, 1.3)
    height = width * rng.uniform(0.5, 0.65)
    glow = float(rng.choice([0.0, 0.6]))
    face = picture(rng, "text", "poster", "window", glow=glow) if rng.random() < 0.6 else look(rng, "plain")
    world.box((0, 0.1 + height / 2, 0), (width, height, 0.04), face, turn(0, rng.uniform(-0.1, 0.1)))
    world.block(0, 0, 0.03, (width * 0.3, 0.02, 0.2), look(rng, "plain"))
    world.post(0, 0, 0.03, 0.05, 0.15, look(rng, "plain"))


def lamp(world: World, rng: Generator) -> None:
    """A standing or desk lamp with a glowing shade."""
    height = rng.uniform(0.3, 1.7)
    world.post(0, 0, 0, 0.03, height, look(rng, "plain"))
    world.post(0, 0, 0, 0.2, 0.02, look(rng, "plain"))
    world.post(0, height, 0, rng.uniform(0.15, 0.4), rng.uniform(0.1, 0.3), look(rng, "plain", glow=rng.uniform(0, 2)))


def plant(world: World, rng: Generator) -> None:
    """A pot with leaves."""
    size = rng.uniform(0.15, 0.9)
    world.post(0, 0, 0, size * 0.5, size * 0.5, look(rng))
    for _ in range(int(rng.integers(2, 6))):
        center = rng.uniform(-0.3, 0.3, 3) * size + (0, size, 0)
        world.card(center, size * rng.uniform(0.6, 1.2), look(rng, "foliage"), turn(*rng.uniform(-1, 1, 2)))


def person_standing(world: World, rng: Generator) -> None:
    """A grown-up or child."""
    person(world, rng, float(rng.uniform(1.1, 1.95)))


def trinket(world: World, rng: Generator, size: float) -> None:
    """Some small thing: box, cup, bowl, fruit, book, bottle, frame."""
    shape, w = rng.integers(7), size * rng.uniform(0.5, 1.2, 3)
    if shape < 2:
        world.block(0, 0, 0, w, picture(rng) if rng.random() < 0.5 else look(rng))
    elif shape == 2:
        world.post(0, 0, 0, w[0] * 0.6, w[1], look(rng))
    elif shape == 3:
        world.blob((0, w[1] / 3, 0), w * 0.8, look(rng))
    elif shape == 4:
        world.block(0, 0, 0, (w[0] * 1.6, w[1] * 0.25, w[2] * 1.2), picture(rng))
    elif shape == 5:
        world.post(0, 0, 0, w[0] * 0.4, w[1], look(rng))
        world.post(0, w[1], 0, w[0] * 0.15, w[1] * 0.5, look(rng))
    else:
        world.box((0, w[1] * 0.7, 0), (w[0] * 1.2, w[1] * 1.4, 0.02), picture(rng), turn(0, rng.uniform(0.1, 0.5)))


def clutter(world: World, rng: Generator, width: float, depth: float, height: float, count: int) -> None:
    """Small things on a top, screens and lamps among them."""
    for _ in range(count):
        x, z = rng.uniform(-0.45, 0.45, 2) * (width, depth)
        spot = world.at(float(x), float(z), float(rng.normal(0, 0.5)), height)
        kind = rng.random()
        if kind < 0.1:
            screen(spot, rng)
        elif kind < 0.17:
            lamp(spot, rng)
        else:
            trinket(spot, rng, float(np.exp(rng.uniform(np.log(0.06), np.log(0.35)))))


BY_WALL = (sofa, bed, shelf, shelf, cabinet, cabinet, counter, table)
"""Furniture with its back to a wall."""
ANYWHERE = (table, table, chair, chair, chair, sofa, plant, lamp, person_standing)
"""Furniture in mid-room."""
