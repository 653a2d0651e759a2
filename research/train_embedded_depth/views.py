"""Looks down and up: floors and squares from above; ceilings, facades and crowns of trees from below."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from train_embedded_depth.halls import hall
from train_embedded_depth.looks import look
from train_embedded_depth.nature import forest
from train_embedded_depth.outdoors import square, street
from train_embedded_depth.people import person
from train_embedded_depth.rooms import kitchen, room
from train_embedded_depth.structures import railing, spread
from train_embedded_depth.towns import avenue, village
from train_embedded_depth.world import World


def _line(rng: Generator, eye: np.ndarray, low_deg: float, high_deg: float, spread_rad: float = 3.2) -> np.ndarray:
    """From the eye at some pitch in degrees (up is positive), at a yaw within +-spread of ahead."""
    pitch, yaw = math.radians(rng.uniform(low_deg, high_deg)), rng.uniform(-spread_rad, spread_rad)
    flat = math.cos(pitch)
    return np.stack([eye, eye + np.array([flat * math.sin(yaw), math.sin(pitch), flat * math.cos(yaw)])])


def floor_from_above(rng: Generator) -> tuple[World, np.ndarray]:
    """A room from near its ceiling or from eye height, down to what lies on the floor."""
    world, reach = (room, room, kitchen)[rng.integers(3)](rng)
    x, z = rng.uniform(-0.6, 0.6, 2) * reach[[0, 2]]
    if rng.random() < 0.3:
        person(world.at(x + 0.4, z + 0.5, rng.uniform(0, 6)), rng, rng.uniform(1.0, 1.6))
    return world, _line(rng, np.array([x, rng.uniform(1.4, 2.15), z]), -88, -35)


def square_from_above(rng: Generator) -> tuple[World, np.ndarray]:
    """Streets and squares from a balcony, a roof or a tower; its railing is close by in some."""
    world, _ = (square, square, village, avenue)[rng.integers(4)](rng)
    height = spread(rng, 3.5, 35)
    eye = np.array([rng.uniform(-3, 3), height, -rng.uniform(0, 4)])
    if rng.random() < 0.4:
        paint, balcony = look(rng, "plain", "noise"), world.at(eye[0], eye[2] + rng.uniform(0.7, 1.5))
        floor = height - rng.uniform(1.4, 1.8)
        railing(balcony, (-2.5, floor, 0), (2.5, floor, 0), rng.uniform(0.9, 1.1), paint, look(rng))
    return world, _line(rng, eye, -75, -12, 0.6)


def ceiling(rng: Generator) -> tuple[World, np.ndarray]:
    """Rooms and halls, upwards: lamps, tops of cupboards and columns, corners of ceilings."""
    if rng.random() < 0.5:
        world, line = hall(rng)
        return world, _line(rng, line[0], 15, 60, 0.7)
    world, reach = room(rng)
    x, z = rng.uniform(-0.7, 0.7, 2) * reach[[0, 2]]
    return world, _line(rng, np.array([x, rng.uniform(0.3, 1.5), z]), 15, 65)


def facades_from_below(rng: Generator) -> tuple[World, np.ndarray]:
    """Houses and towers towards the sky, from the pavement."""
    world, _ = (street, avenue, square)[rng.integers(3)](rng)
    return world, _line(rng, np.array([rng.uniform(-3, 3), rng.uniform(0.8, 1.8), 2.0]), 12, 50, 1.2)


def crowns_from_below(rng: Generator) -> tuple[World, np.ndarray]:
    """Trunks and crowns towards the sky."""
    world, line = forest(rng)
    return world, _line(rng, line[0], 15, 70, 0.5)
