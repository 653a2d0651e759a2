"""People made of capsules: enough of a body to be one thing that stands before what lies behind."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from train_embedded_depth.looks import Look, look, texture_of
from train_embedded_depth.world import World


def _limb(world: World, start: np.ndarray, end: np.ndarray, width: float, paint: Look) -> None:
    world.rod(start, end, width, paint)
    for point in (start, end):
        world.blob(point, (width,) * 3, paint)


def person(world: World, rng: Generator, height: float) -> None:
    """Someone of that height in metres, in some walking or standing pose, facing -z."""
    skin = Look(texture_of(rng, "plain"), 0.5, tuple(np.array([0.9, 0.65, 0.5]) * rng.uniform(0.25, 1)))
    top, trousers, hair = look(rng, "fabric", "plain", "poster"), look(rng, "fabric", "plain"), look(rng, "noise")
    h, broad, stride = height, height * rng.uniform(0.2, 0.3), rng.uniform(-0.15, 0.15) * height
    for side in (-1, 1):
        hip, foot = np.array([side * broad * 0.3, 0.5 * h, 0]), np.array([side * broad * 0.35, 0.04, side * stride])
        _limb(world, hip, foot, 0.085 * h, trousers)
        shoulder = np.array([side * broad * 0.55, 0.78 * h, 0])
        elbow = shoulder + rng.uniform((-0.05, -0.2, -0.1), (0.05, -0.1, 0.1)) * h + (side * 0.05 * h, 0, 0)
        hand = elbow + rng.uniform((-0.1, -0.18, -0.2), (0.1, 0.1, 0.02)) * h
        _limb(world, shoulder, elbow, 0.06 * h, top)
        _limb(world, elbow, hand, 0.05 * h, skin)
    world.blob((0, 0.66 * h, 0), (broad * 1.1, 0.36 * h, 0.15 * h), top)
    world.post(0, 0.8 * h, 0, 0.06 * h, 0.08 * h, skin)
    world.blob((0, 0.92 * h, 0), (0.1 * h, 0.14 * h, 0.12 * h), skin)
    if rng.random() < 0.8:
        world.blob((0, 0.945 * h, 0.015 * h), (0.11 * h, 0.12 * h, 0.12 * h), hair)
