"""People made of capsules: enough of a body to be one thing that stands before what lies behind."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from train_embedded_depth.looks import Look, look, near, texture_of
from train_embedded_depth.world import World


def limb(world: World, start: np.ndarray, end: np.ndarray, width: float, paint: Look) -> None:
    """A rod with round ends."""
    world.rod(start, end, width, paint)
    for point in (start, end):
        world.blob(point, (width,) * 3, paint)


def skin_look(rng: Generator) -> Look:
    """Skin, pale to dark."""
    return Look(texture_of(rng, "plain"), 0.5, tuple(np.array([0.9, 0.65, 0.5]) * rng.uniform(0.25, 1)))


def person(world: World, rng: Generator, height: float, stone: Look | None = None) -> None:
    """Someone of that height in meters, in some walking or standing pose, facing -z; all of `stone` if given."""
    skin = stone or skin_look(rng)
    top, trousers, hair = (
        stone or look(rng, *cloth) for cloth in (("fabric", "plain", "poster"), ("fabric", "plain"), ("noise",))
    )
    h, broad, stride = height, height * rng.uniform(0.2, 0.3), rng.uniform(-0.15, 0.15) * height
    for side in (-1, 1):
        hip, foot = np.array([side * broad * 0.3, 0.5 * h, 0]), np.array([side * broad * 0.35, 0.04, side * stride])
        limb(world, hip, foot, 0.085 * h, trousers)
        _arm(world, rng, h, np.array([side * broad * 0.55, 0.78 * h, 0]), top, skin)
    _torso(world, h, broad, top)
    _head(world, rng, h, skin, hair)


def sitter(world: World, rng: Generator, height: float, seat: float) -> None:
    """Someone who would stand that high, seated at a height of `seat`, facing -z."""
    skin, top, trousers, hair = skin_look(rng), look(rng, "fabric", "plain"), look(rng, "fabric"), look(rng, "noise")
    h, broad = height, height * rng.uniform(0.2, 0.3)
    body = world.at(0, 0, y=seat - 0.45 * h)
    for side in (-1, 1):
        hip = np.array([side * broad * 0.3, seat + 0.05 * h, 0])
        knee = hip + np.array([side * 0.04, 0.0, -0.25]) * h
        limb(world, hip, knee, 0.1 * h, trousers)
        limb(world, knee, np.array([knee[0], max(seat - 0.25 * h, 0.03), knee[2]]), 0.08 * h, trousers)
        _arm(body, rng, h, np.array([side * broad * 0.55, 0.78 * h, 0]), top, skin)
    _torso(body, h, broad, top)
    _head(body, rng, h, skin, hair)


def figure(world: World, rng: Generator, height: float) -> None:
    """Someone in the distance: legs, body and head."""
    world.blob((0, 0.27 * height, 0), (0.2 * height, 0.55 * height, 0.16 * height), look(rng, "fabric", "plain"))
    world.blob((0, 0.65 * height, 0), (0.27 * height, 0.42 * height, 0.17 * height), look(rng, "fabric", "plain"))
    world.blob((0, 0.93 * height, 0), (0.11 * height, 0.14 * height, 0.12 * height), skin_look(rng))


def _arm(world: World, rng: Generator, h: float, shoulder: np.ndarray, top: Look, skin: Look) -> None:
    outwards = np.sign(shoulder[0]) * 0.05 * h
    elbow = shoulder + rng.uniform((-0.05, -0.2, -0.1), (0.05, -0.1, 0.1)) * h + (outwards, 0, 0)
    hand = elbow + rng.uniform((-0.1, -0.18, -0.2), (0.1, 0.1, 0.02)) * h
    limb(world, shoulder, elbow, 0.06 * h, top)
    limb(world, elbow, hand, 0.05 * h, skin)


def _torso(world: World, h: float, broad: float, top: Look) -> None:
    world.blob((0, 0.66 * h, 0), (broad * 1.1, 0.36 * h, 0.15 * h), top)
    world.rod((-0.55 * broad, 0.775 * h, 0), (0.55 * broad, 0.775 * h, 0), 0.075 * h, top)


def _head(world: World, rng: Generator, h: float, skin: Look, hair: Look) -> None:
    world.post(0, 0.8 * h, 0, 0.06 * h, 0.08 * h, skin)
    world.blob((0, 0.92 * h, 0), (0.1 * h, 0.14 * h, 0.12 * h), skin)
    if rng.random() < 0.8:
        world.blob((0, 0.945 * h, 0.015 * h), (0.11 * h, 0.12 * h, 0.12 * h), hair)


def face(world: World, rng: Generator, h: float) -> None:
    """Eyes, nose, mouth, long hair or a hat on the head of a person of that height; for those seen from close by."""
    dark, lips = near(rng, (0.06, 0.05, 0.05), "plain"), near(rng, (0.6, 0.25, 0.25), "plain")
    for side in (-1, 1):
        world.blob((side * 0.022 * h, 0.93 * h, -0.053 * h), (0.017 * h, 0.009 * h, 0.01 * h), dark)
        world.blob((side * 0.022 * h, 0.943 * h, -0.052 * h), (0.022 * h, 0.004 * h, 0.01 * h), dark)
    world.blob((0, 0.912 * h, -0.06 * h), (0.014 * h, 0.025 * h, 0.016 * h), skin_look(rng))
    world.blob((0, 0.885 * h, -0.053 * h), (0.03 * h, 0.008 * h, 0.01 * h), lips)
    style, paint = rng.random(), near(rng, (0.3, 0.2, 0.12), "noise", "fabric", "plain")
    if style < 0.45:
        for side in (-1, 1):
            world.blob((side * 0.055 * h, 0.87 * h, 0.02 * h), (0.045 * h, 0.2 * h, 0.07 * h), paint)
        world.blob((0, 0.955 * h, 0.01 * h), (0.125 * h, 0.12 * h, 0.13 * h), paint)
    elif style < 0.65:
        world.post(0, 0.965 * h, 0, rng.uniform(0.14, 0.28) * h, 0.008 * h, paint)
        world.post(0, 0.965 * h, 0, 0.115 * h, 0.05 * h, paint)
