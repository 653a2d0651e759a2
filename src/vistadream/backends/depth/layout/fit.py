"""Finds the room whose surfaces and creases agree best with the lines of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from vistadream.backends.depth.layout.ascent import ascend
from vistadream.backends.depth.layout.lines import Segments
from vistadream.backends.depth.layout.room import SLOWEST, USUAL_ROOM, Room
from vistadream.ops.numerics.jit import kernel

GRID_WIDTH = 48
"""Pixels across the grid on which rooms are compared."""
SPREAD = 0.6
"""Standard deviation of the logarithm of a room's size relative to the usual room."""
CREASE_WEIGHT, USUAL_WEIGHT, BENCH_COST = 0.3, 0.02, 0.004
"""Weights of the score relative to the fraction of lines on a wrong surface: of lines along creases, of one squared
standard deviation from the usual room, and of one bench."""
USUAL_BENCH = (0.3, 0.45)
"""Depth of a bench as a fraction of the distance to its wall, and its height in heights of the camera."""
USUAL_WALLS = np.log(USUAL_ROOM.walls)
DEEPEST, HIGHEST = 0.6, 0.9
"""Upper bounds of a bench's depth and height in the same units."""
KEPT_WALLS, KEPT = 24, 4
"""Number of candidates to which benches are added, and number that are refined for each choice of benches."""


@dataclass(frozen=True)
class LineField:
    """The picture's lines on a coarse grid, with which a room is compared."""

    rays_room: Float[ndarray, "h w 3"]
    wide: Float[ndarray, "h w 3"]
    """Density of the segments along each room axis, blurred to the surface around them; the sum is 1."""
    crease: Float[ndarray, "h w 3"]
    """Their density within the tolerance of a crease, minus that of a wider neighborhood: tiles do not count."""

    @staticmethod
    def of(rays_room: Float[ndarray, "h w 3"], segments: Segments, axes: Int[ndarray, "n"]) -> LineField:
        """The field of segments that follow the given axes, in the picture whose rays are given."""
        height, width = rays_room.shape[:2]
        grid = (GRID_WIDTH, max(8, round(GRID_WIDTH * height / width)))
        drawn = [_draw(segments.ends_px[axes == axis], (height, width), grid) for axis in range(3)]
        thin, wide, around = (np.stack([cv2.GaussianBlur(d, (0, 0), s) for d in drawn], -1) for s in (0.7, 1.5, 4.0))
        rays = cv2.resize(rays_room, grid, interpolation=cv2.INTER_AREA)
        return LineField(rays, wide / max(wide.sum(), 1e-9), thin - around)

    def scores(self, rooms: Float[ndarray, "n 10"]) -> Float[ndarray, "n"]:
        """Score of each room (parameters as in `room_of`); higher is better.

        It rises with creases along lines and falls with lines on surfaces that cannot have them, with unusual sizes
        and with benches. A line along an axis cannot lie on a surface perpendicular to that axis (Lee, Hebert and
        Kanade 2009).
        """
        return _scores(rooms, self.rays_room, self.wide, self.crease)


def _draw(ends_px: ndarray, size: tuple[int, int], grid: tuple[int, int]) -> ndarray:
    """Segments drawn at the picture's size and shrunk to the grid."""
    canvas = np.zeros(size, np.uint8)
    cv2.polylines(canvas, list(np.round(ends_px * 16 - 8).astype(np.int32)), False, 255, 3, cv2.LINE_AA, 4)
    return cv2.resize(canvas, grid, interpolation=cv2.INTER_AREA).astype(np.float64) / 255


@kernel()
def _axis_hit(x, y, z, closing):
    """`Room.cast` for one ray: the axis perpendicular to the surface that it meets first. `closing` = 1 / planes."""
    best, axis = max(y, SLOWEST), 1
    if -y * closing[1] > best:
        best = -y * closing[1]
    for k in range(3):
        toward = -x if k == 0 else (x if k == 1 else z)
        across = 2 if k == 2 else 0
        speed = max(toward, SLOWEST) * closing[2 + k]
        if speed > best:
            best, axis = speed, across
        if closing[8 + k] > 1:  # the bench along this wall exists
            front, top = speed * closing[5 + k], max(y, SLOWEST) * closing[8 + k]
            if min(front, top) > best:
                best, axis = min(front, top), across if front < top else 1
    return axis


@kernel()
def _agreement(rays, wide, crease, closing, above):
    """Fraction of lines on surfaces that cannot have them, and lines along creases divided by the grid's h + w."""
    h, w, _ = rays.shape
    above[:] = -1
    wrong, creased = 0.0, 0.0
    for i in range(h):
        before = -1
        for j in range(w):
            axis = _axis_hit(rays[i, j, 0], rays[i, j, 1], rays[i, j, 2], closing)
            wrong += wide[i, j, axis]
            if before >= 0 and before != axis:
                creased += crease[i, j, 3 - before - axis]
            if above[j] >= 0 and above[j] != axis:
                creased += crease[i, j, 3 - above[j] - axis]
            before = above[j] = axis
    return wrong, creased / (h + w)


@kernel()
def _surprise(x):
    """Sum of squared standard deviations from the usual room and from the usual bench, and the number of benches."""
    total, benches = 0.0, 0
    for k in range(4):
        total += ((x[k] - USUAL_WALLS[k]) / SPREAD) ** 2
    for k in range(3):
        depth, height = min(max(x[4 + k], 0.0), DEEPEST), min(max(x[7 + k], 0.0), HIGHEST)
        if depth > 0 and height > 0:
            benches += 1
            total += (math.log(max(depth, 1e-3) / USUAL_BENCH[0]) / SPREAD) ** 2
            total += (math.log(max(height, 1e-3) / USUAL_BENCH[1]) / SPREAD) ** 2
    return total, benches


@kernel(nogil=True)
def _scores(rooms, rays, wide, crease):
    """`LineField.scores`."""
    scores, closing = np.empty(len(rooms)), np.ones(11)
    above = np.empty(rays.shape[1], np.int64)
    for n in range(len(rooms)):
        x = rooms[n]
        for k in range(4):
            closing[1 + k] = math.exp(-x[k])
        for k in range(3):
            depth, height = min(max(x[4 + k], 0.0), DEEPEST), min(max(x[7 + k], 0.0), HIGHEST)
            closing[5 + k], closing[8 + k] = 1 / (1 - depth), 1 / (1 - height)
        wrong, creased = _agreement(rays, wide, crease, closing, above)
        surprise, benches = _surprise(x)
        scores[n] = CREASE_WEIGHT * creased - wrong - USUAL_WEIGHT * surprise - BENCH_COST * benches
    return scores


def fit_room(lines: LineField) -> tuple[Room, float]:
    """The best room and its score.

    Exhaustive search over the walls, then over benches along every subset of walls, then hill climbing from the best.
    """

    def best(rooms: ndarray, n: int) -> ndarray:
        return rooms[np.argsort(-lines.scores(rooms), kind="stable")[:n]]

    def score(x: ndarray) -> float:
        return float(lines.scores(x[None])[0])

    walls = best(_wall_grid(), KEPT_WALLS)
    seeds = [*walls[:KEPT]]
    for choice in list(product((0, 1), repeat=3))[1:]:
        seeds += [*best(np.concatenate([_with_benches(x, choice) for x in walls]), KEPT)]
    moves = np.concatenate([0.2 * np.eye(10)[:4], [[0.2] * 4 + [0.0] * 6], 0.15 * np.eye(10)[4:]])
    found = max((ascend(x, moves, score) for x in seeds), key=score)
    return room_of(found), score(found)


def room_of(x: Float[ndarray, "10"]) -> Room:
    """The room of 10 parameters: logarithms of the 4 walls, then depths and heights of the 3 benches."""
    walls, fronts, tops = np.exp(x[:4]), 1 - np.clip(x[4:7], 0, DEEPEST), 1 - np.clip(x[7:], 0, HIGHEST)
    return Room(tuple(walls.tolist()), tuple(fronts.tolist()), tuple(tops.tolist()))


def _wall_grid() -> Float[ndarray, "n 10"]:
    """Rooms without benches, up to two standard deviations from the usual one."""
    steps = SPREAD * np.array([-2, -1.3, -0.7, 0, 0.7, 1.3, 2])
    offsets = np.array(list(product(steps[2:5], steps, steps, steps)))
    return np.concatenate([USUAL_WALLS + offsets, np.zeros((len(offsets), 6))], 1)


def _with_benches(x: Float[ndarray, "10"], choice: tuple[int, ...]) -> Float[ndarray, "n 10"]:
    """Adds benches of a few sizes along the chosen walls.

    Each size in three variants: unchanged; the floor of `x` is the bench's top; the wall of `x` is the bench's front.
    """
    chosen, rooms = np.array(choice), []
    for front, height in product((0.2, 0.45), (0.3, 0.45, 0.6)):
        benches = np.concatenate([chosen * front, chosen * height])
        for shift in (np.zeros(3), np.full(3, np.log(1 - height)), -chosen * np.log(1 - front)):
            rooms.append(np.concatenate([x[:1], x[1:4] + shift, benches]))
    return np.array(rooms)
