"""A box room around the camera: floor, ceiling and walls along the picture's three directions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from vistadream.backends.depth.layout.ascent import ascend
from vistadream.backends.depth.layout.lines import Segments

NORMAL_AXES = np.array([1, 1, 0, 0, 2])
"""Room axis across each face, in the order of `Room.distances`."""
SIDES = np.array([1, -1, -1, 1, 1])
"""On which side of the camera each face lies along its axis (y points down)."""
GRID_WIDTH = 48
"""Pixels across the grid on which rooms are compared."""
SPREAD = 0.6
"""Natural logarithm of how far rooms usually are from the usual one."""
USUAL_WEIGHT = 0.02
"""Cost of one squared spread, beside the share of lines that lie on a face they cannot lie on."""
CREASE_WEIGHT = 0.3


@dataclass(frozen=True)
class Room:
    """Distances from the camera to ceiling, left, right and far wall, in heights of the camera above the floor."""

    ceiling: float
    left: float
    right: float
    far: float

    @property
    def distances(self) -> Float[ndarray, "5"]:
        """Floor, ceiling, left, right, far."""
        return np.array([1.0, self.ceiling, self.left, self.right, self.far])

    def cast(self, rays_room: Float[ndarray, "*n 3"]) -> tuple[Float[ndarray, "*n"], Int[ndarray, "*n"]]:
        """How many times its own length each ray goes before it meets the box, and the face that it meets."""
        closing = np.maximum(rays_room[..., NORMAL_AXES] * SIDES, 1e-6) / self.distances
        return 1 / closing.max(-1), closing.argmax(-1)


INDOORS = Room(ceiling=0.75, left=1.2, right=1.2, far=2.2)
OUTDOORS = Room(ceiling=1e3, left=8.0, right=8.0, far=8.0)
"""Ground, and a backdrop about as far away as parallax is worth showing."""


@dataclass(frozen=True)
class LineField:
    """The picture's lines on a coarse grid, against which a room is held."""

    rays_room: Float[ndarray, "h w 3"]
    wide: Float[ndarray, "h w 3"]
    """Density of the segments along each room axis, as far as a surface around them is likely the same."""
    narrow: Float[ndarray, "h w 3"]
    """The same, as far as a crease may be misplaced."""

    @staticmethod
    def of(rays_room: Float[ndarray, "h w 3"], segments: Segments, axes: Int[ndarray, "n"]) -> LineField:
        """The field of segments that follow the given axes, in the picture whose rays are given."""
        height, width = rays_room.shape[:2]
        grid = (GRID_WIDTH, max(8, round(GRID_WIDTH * height / width)))
        drawn = [_draw(segments.ends_px[axes == axis], (height, width), grid) for axis in range(3)]
        blurred = [np.stack([cv2.GaussianBlur(d, (0, 0), sigma) for d in drawn], -1) for sigma in (1.5, 0.7)]
        return LineField(cv2.resize(rays_room, grid, interpolation=cv2.INTER_AREA), *blurred)

    def score(self, room: Room, usual: Room) -> float:
        """Creases that follow lines, minus lines across the face they lie on, minus how unusual the room is."""
        normals = NORMAL_AXES[room.cast(self.rays_room)[1]]
        forbidden = np.take_along_axis(self.wide, normals[..., None], -1).sum() / max(self.wide.sum(), 1e-9)
        crease = self._creases(normals[:, :-1], normals[:, 1:], self.narrow[:, 1:])
        crease += self._creases(normals[:-1], normals[1:], self.narrow[1:])
        surprise = np.log(room.distances / usual.distances) / SPREAD
        return float(CREASE_WEIGHT * crease / sum(normals.shape) - forbidden - USUAL_WEIGHT * (surprise**2).sum())

    @staticmethod
    def _creases(before: ndarray, after: ndarray, lines: ndarray) -> float:
        """Lines found where faces of two normals meet, along the axis that both contain."""
        rows, columns = np.nonzero(before != after)
        return float(lines[rows, columns, 3 - before[rows, columns] - after[rows, columns]].sum())


def _draw(ends_px: ndarray, size: tuple[int, int], grid: tuple[int, int]) -> ndarray:
    """Segments drawn at the picture's size and shrunk to the grid."""
    canvas = np.zeros(size, np.uint8)
    cv2.polylines(canvas, list(np.round(ends_px * 16 - 8).astype(np.int32)), False, 255, 3, cv2.LINE_AA, 4)
    return cv2.resize(canvas, grid, interpolation=cv2.INTER_AREA).astype(np.float64) / 255


def fit_room(lines: LineField, usual: Room) -> Room:
    """The room that scores best: exhaustive about the usual one, then refined by single distances and overall size."""
    center = np.log(usual.distances[1:])

    def score(log_distances: ndarray) -> float:
        return lines.score(Room(*np.exp(log_distances).tolist()), usual)

    offsets = SPREAD * np.arange(-2, 2.1, 0.5)
    seeds = [center + np.array(o) for o in itertools.product(offsets[2:7:2], offsets, offsets, offsets)]
    best = sorted(seeds, key=score)[-3:]
    moves = 0.2 * np.concatenate([np.eye(4), np.ones((1, 4))])
    return Room(*np.exp(max((ascend(seed, moves, score) for seed in best), key=score)).tolist())
