"""Where pictures are taken from: hand-held cameras of 25 to 100 degrees, tilted, rolled, cropped off centre."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.world import World, turn


@dataclass(frozen=True)
class Pose:
    """A camera's place and attitude in the world."""

    eye: Float[ndarray, "3"]
    rotation: Float[ndarray, "3 3"]
    """World from a frame with x right, y up, z ahead."""


def _attitude(rng: Generator, yaw: float, pitch_up: float) -> Float[ndarray, "3 3"]:
    return turn(yaw, -pitch_up, rng.normal(0, math.radians(3)))


def indoors(rng: Generator, world: World, reach: Float[ndarray, "3"]) -> Pose:
    """Somewhere free within +-reach, its height about reach[1], looking across the room, rather down than up."""
    for _ in range(30):
        eye = rng.choice([-1, 1], 3) * rng.uniform(0.3, 1, 3) * reach
        eye[1] = reach[1]
        if world.free(eye, 0.35):
            break
    aim = -eye * rng.uniform(0.2, 1) + rng.normal(0, 0.35, 3) * reach
    yaw = math.atan2(aim[0] - eye[0], aim[2] - eye[2])
    return Pose(eye, _attitude(rng, yaw, math.radians(float(np.clip(rng.normal(-10, 13), -50, 25)))))


def close_by(rng: Generator, world: World, reach: Float[ndarray, "3"]) -> Pose:
    """One to three metres before a wall or corner, looking at what stands along it."""
    return _before_wall(rng, world, reach, distance=(1.2, 3.3), aimed=(0.2, 1.6))


def down_at(rng: Generator, world: World, reach: Float[ndarray, "3"]) -> Pose:
    """Before a wall or corner, looking down at the fronts of what stands along it and at the floor before them."""
    return _before_wall(rng, world, reach, distance=(0.8, 2.6), aimed=(0.1, 1.0))


def _before_wall(
    rng: Generator,
    world: World,
    reach: Float[ndarray, "3"],
    distance: tuple[float, float],
    aimed: tuple[float, float],
) -> Pose:
    """At a distance from a point near a wall, looking at that point, whose height is drawn too."""
    for _ in range(60):
        aim, axis = rng.uniform(-1, 1, 3) * reach, rng.choice([0, 2])
        aim[axis] = rng.choice([-1, 1]) * reach[axis]
        away = math.atan2(-aim[0], -aim[2]) + rng.normal(0, 0.6)
        eye = aim + rng.uniform(*distance) * np.array([math.sin(away), 0, math.cos(away)])
        eye[1] = reach[1]
        if np.all(np.abs(eye) <= reach) and world.free(eye, 0.35):
            break
    else:
        return indoors(rng, world, reach)
    rise = rng.uniform(*aimed) - eye[1]
    yaw = math.atan2(aim[0] - eye[0], aim[2] - eye[2])
    return Pose(eye, _attitude(rng, yaw, math.atan2(rise, math.hypot(aim[0] - eye[0], aim[2] - eye[2]))))


def at_table(rng: Generator, world: World, reach: Float[ndarray, "3"]) -> Pose:
    """Beside and above a table, looking at it."""
    angle, distance = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.1)
    eye = np.array([reach[0] * math.sin(angle), reach[1], reach[2] * math.cos(angle)]) * (distance, 1, distance)
    aim = np.array([0, reach[1] - rng.uniform(0.15, 0.6), 0]) + rng.normal(0, 0.15, 3)
    flat = math.hypot(aim[0] - eye[0], aim[2] - eye[2])
    return Pose(eye, _attitude(rng, math.atan2(aim[0] - eye[0], aim[2] - eye[2]), math.atan2(aim[1] - eye[1], flat)))


def outdoors(rng: Generator, world: World, reach: Float[ndarray, "3"]) -> Pose:
    """Near the origin, looking ahead, level or down from above."""
    for _ in range(30):
        eye = rng.uniform(-1, 1, 3) * reach
        eye[1] = reach[1]
        if world.free(eye, 0.5):
            break
    down = 2 + 1.2 * max(0.0, reach[1] - 2.5)
    return Pose(eye, _attitude(rng, rng.normal(0, 0.45), math.radians(rng.normal(1 - down, 6))))


def towards(rng: Generator, world: World, line: Float[ndarray, "2 3"]) -> Pose:
    """From about the first point, where it is free, to the second."""
    distance = float(np.linalg.norm(line[1] - line[0]))
    for spread in np.linspace(0, 0.3 * distance, 30):
        eye = line[0] + rng.normal(0, 1, 3) * (spread, 0.2 * spread, spread)
        if world.free(eye, min(0.5, 0.25 * distance)):
            break
    x, y, z = line[1] - eye
    return Pose(eye, _attitude(rng, math.atan2(x, z), math.atan2(y, math.hypot(x, z))))


@dataclass(frozen=True, eq=False)
class Lens:
    """Intrinsics of b cameras in units of the picture's width."""

    focal: Float[Tensor, "b"]
    center: Float[Tensor, "b 2"]
    """Principal point (x, y)."""

    @staticmethod
    def draw(rng: Generator, count: int, aspect: float, fov_deg: float = 65.0) -> Lens:
        """Fields of view around a mean, 25 to 100 degrees across; a third of the pictures are cropped off centre."""
        fov = np.radians(np.clip(rng.normal(fov_deg, 15, count), 25, 100))
        shift = rng.uniform(-0.15, 0.15, (count, 2)) * (rng.random((count, 1)) < 0.33)
        center = np.array([0.5, 0.5 * aspect]) + shift
        return Lens(_tensor(0.5 / np.tan(fov / 2)), _tensor(center))

    def rays(self, height: int, width: int) -> Float[Tensor, "b 3 p"]:
        """OpenCV camera-space rays through the pixel centres, row by row, scaled to z = 1."""
        v, u = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        x = (u.flatten() / width - self.center[:, :1]) / self.focal[:, None]
        y = (v.flatten() / width - self.center[:, 1:]) / self.focal[:, None]
        return torch.stack([x, y, torch.ones_like(x)], 1)


def world_from_cam(poses: list[Pose]) -> Float[Tensor, "b 3 3"]:
    """World directions of the OpenCV camera axes (whose y points down)."""
    return _tensor(np.stack([pose.rotation * np.array([1.0, -1.0, 1.0]) for pose in poses]))


def _tensor(x: ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(x, np.float32))
