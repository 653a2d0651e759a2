"""Trees, bushes, grass and flowers, each with its foot at the origin of its frame."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from train_embedded_depth.looks import Look, look, near
from train_embedded_depth.world import World, turn


def leaves(rng: Generator) -> Look:
    """What crowns and bushes are made of."""
    return near(rng, (0.9, 0.9, 0.8), "foliage", tile_m=rng.uniform(0.3, 2))


def bark(rng: Generator) -> Look:
    """What trunks are made of."""
    return near(rng, (0.35, 0.28, 0.22), "plain", "wood", "crust", tile_m=rng.uniform(0.3, 1))


def tree(world: World, rng: Generator) -> None:
    """A trunk with blobs and leafy cards."""
    height, paint = rng.uniform(3, 14), look(rng, "foliage")
    crown = height * rng.uniform(0.3, 0.7)
    world.post(0, 0, 0, 0.04 * height, height * 0.7, look(rng, "noise", "plain"))
    for _ in range(int(rng.integers(1, 4))):
        center = rng.uniform(-0.25, 0.25, 3) * crown + (0, height - crown / 2, 0)
        world.blob(center, crown * rng.uniform(0.5, 1, 3), paint)
    for _ in range(int(rng.integers(2, 7))):
        center = rng.uniform(-0.45, 0.45, 3) * crown + (0, height - crown / 2, 0)
        world.card(center, crown * rng.uniform(0.4, 0.9), paint, turn(*rng.uniform(-1.5, 1.5, 2)))


def conifer(world: World, rng: Generator) -> None:
    """A fir: a trunk with ragged whorls that narrow upwards, or one slender body as of a cypress."""
    height, paint = rng.uniform(4, 18), near(rng, (0.5, 0.6, 0.5), "foliage")
    world.post(0, 0, 0, 0.04 * height, height * 0.4, bark(rng))
    if rng.random() < 0.3:
        world.blob((0, height * 0.55, 0), (height * 0.2, height * 0.9, height * 0.2), paint)
        return
    broad = rng.uniform(0.3, 0.5) * height
    for share in np.linspace(0.2, 0.9, 4):
        size = (broad * (1.1 - share), 0.28 * height, broad * (1.1 - share))
        world.blob((0, share * height, 0), size, paint)
    world.card((0, 0.35 * height, 0), broad, paint, turn(rng.uniform(-0.5, 0.5)))


def bush(world: World, rng: Generator, size: float) -> None:
    """A round bush of that width, ragged at its rim."""
    paint = leaves(rng)
    world.blob((0, size * 0.3, 0), (size, size * rng.uniform(0.6, 1.1), size), paint)
    for _ in range(int(rng.integers(1, 4))):
        center = rng.uniform(-0.4, 0.4, 3) * size + (0, size * 0.5, 0)
        world.card(center, size * rng.uniform(0.4, 0.8), paint, turn(*rng.uniform(-1, 1, 2)))


def tuft(world: World, rng: Generator, height: float, paint: Look | None = None) -> None:
    """Grass or reeds: two rows of blades."""
    paint = paint or near(rng, (0.7, 0.8, 0.5), "foliage", "plain")
    for yaw in rng.uniform(-0.8, 0.8, 2):
        world.blades(0, 0, rng.uniform(-0.1, 0.1), height * rng.uniform(0.7, 2), height, paint, yaw)


def flower(world: World, rng: Generator, height: float, head: float, petals: Look) -> None:
    """A stem with two leaves and a head of that width, which faces somewhere between the viewer and the sky."""
    green = near(rng, (0.4, 0.7, 0.25), "foliage", "plain")
    lean = rng.uniform(-0.12, 0.12, 2) * height
    top = np.array([lean[0], height, lean[1]])
    world.rod((0, 0, 0), top, max(0.012, 0.06 * head), green)
    for share in rng.uniform(0.2, 0.8, int(rng.integers(1, 4))):
        tilt = turn(rng.uniform(-3, 3), rng.uniform(0.3, 1.2))
        world.blob(top * share + rng.uniform(-0.4, 0.4, 3) * head, (0.5 * head, 1.0 * head, 0.02), green, tilt)
    gaze = turn(rng.normal(0, 0.7), rng.uniform(-0.1, 1.3))
    world.card(top, head, petals, gaze)
    if rng.random() < 0.5:
        world.blob(top, (0.75 * head, 0.75 * head, 0.1 * head), petals, gaze)
    world.blob(top, (0.4 * head, 0.4 * head, 0.2 * head), near(rng, (0.25, 0.15, 0.06), "speckle", "crust"), gaze)


def trunk(world: World, rng: Generator, width: float, height: float) -> None:
    """A bare trunk, slightly leaning, with stubs of branches."""
    paint = bark(rng)
    top = np.array([rng.normal(0, 0.04) * height, height, rng.normal(0, 0.04) * height])
    world.rod((0, -0.2, 0), top, width, paint)
    world.blob((0, 0, 0), (1.7 * width, 0.6 * width, 1.7 * width), paint)
    for share in rng.uniform(0.3, 1, int(rng.integers(0, 4))):
        end = top * share + rng.uniform(-0.25, 0.25, 3) * height * (1, 0.4, 1)
        world.rod(top * share, end, 0.3 * width, paint)


def flower_look(rng: Generator) -> Look:
    """Petals in any strong color, often yellow, red or white."""
    colors = ((1.0, 0.75, 0.05), (0.9, 0.1, 0.1), (0.95, 0.95, 0.95), (0.6, 0.3, 0.8), (1.0, 0.5, 0.6))
    return near(rng, colors[rng.integers(len(colors))], "plain", "noise") if rng.random() < 0.9 else look(rng)
