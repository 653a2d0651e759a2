"""The picture's three perpendicular directions (gravity and two horizontal axes), and its focal length if unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from vistadream.backends.depth.layout.ascent import ascend
from vistadream.backends.depth.layout.lines import Segments

TOLERANCE_DEG = 2.5
"""Standard deviation of a segment's direction about the direction to its vanishing point."""
STEP_DEG = 4
"""Step of the exhaustive search's grid: every attitude is within the tolerance of a grid point."""
USUAL_SPREAD = np.array([math.radians(25), math.radians(8), math.radians(40), 0.2])
"""Prior standard deviation of a `Pose` about zero: cameras are level and look along the room."""
PRIOR_WEIGHT = 0.015
"""Cost of one squared standard deviation, as a fraction of all line length."""
Pose = Float[ndarray, "4"]
"""Pitch down, roll, yaw right in radians, and the logarithm of focal length over the guess."""


@dataclass(frozen=True)
class Manhattan:
    """The camera's attitude in the room: x right, y down along gravity, z the room axis nearest the view direction."""

    room_from_cam: Float[ndarray, "3 3"]
    """Rotation from camera axes to room axes; its rows are the room's axes in camera axes."""
    zoom: float
    """Estimated focal length divided by the initial guess; 1 if the focal length is known."""
    support: float
    """Fraction of the total segment length that follows one of the three axes, in [0, 1]."""


def rotation(pitch: float, roll: float, yaw: float) -> Float[ndarray, "3 3"]:
    """room_from_cam of a camera looking down by `pitch`, rolled, and turned right by `yaw` (radians)."""
    cp, sp, cr, sr, cy, sy = (f(a) for a in (pitch, roll, yaw) for f in (math.cos, math.sin))
    yawed = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitched = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    rolled = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return yawed @ pitched @ rolled


@dataclass(frozen=True)
class Votes:
    """Segments in the image plane, and how well each points at the vanishing point of a direction."""

    middles: Float[ndarray, "n 2"]
    """Midpoints on the plane z = 1 of the guessed camera."""
    directions: Float[ndarray, "n 2"]
    """Unit vectors along the segments."""
    weights: Float[ndarray, "n"]
    """Length of each segment as a fraction of the total length."""

    @staticmethod
    def of(segments: Segments, K: Float[ndarray, "3 3"]) -> Votes:
        """The votes of segments in the picture of a camera with square pixels."""
        ends = (segments.ends_px - K[:2, 2]) / K[0, 0]
        along = ends[:, 1] - ends[:, 0]
        lengths = np.linalg.norm(along, axis=-1)
        weights = lengths / max(float(lengths.sum()), 1e-9)
        return Votes(*(x.astype(np.float32) for x in (ends.mean(1), along / lengths[:, None], weights)))

    def __call__(self, axes_cam: Float[ndarray, "a 3"], zoom: float = 1.0) -> Float[ndarray, "a n"]:
        """Agreement in [0, 1], by the angle between a segment and the line from its midpoint to the vanishing point."""
        to_x = axes_cam[:, :1] * zoom - axes_cam[:, 2:] * self.middles[:, 0]
        to_y = axes_cam[:, 1:2] * zoom - axes_cam[:, 2:] * self.middles[:, 1]
        across = to_x * self.directions[:, 1] - to_y * self.directions[:, 0]
        sine_squared = across**2 / np.maximum(to_x**2 + to_y**2, 1e-12)
        return np.exp(-0.5 * sine_squared / math.sin(math.radians(TOLERANCE_DEG)) ** 2)

    def axis(self, manhattan: Manhattan) -> Int[ndarray, "n"]:
        """The room axis (0, 1, 2) that each segment follows, or -1."""
        agreement = self(manhattan.room_from_cam, manhattan.zoom)
        return np.where(agreement.max(0) > 0.1, agreement.argmax(0), -1)

    def support(self, pose: Pose) -> float:
        """Fraction of segment length that follows one of a pose's axes; each segment counts for its best axis only."""
        return float(self(rotation(*pose[:3]), math.exp(pose[3])).max(0) @ self.weights) if len(self.weights) else 0.0


def find_manhattan(votes: Votes, focal_known: bool) -> Manhattan:
    """The attitude (and focal length) with the highest support and prior.

    Exhaustive search in steps of 4 degrees, then refinement of the best few; deterministic.
    """
    turn = math.radians(1.5)
    moves = np.diag([turn, turn, turn, 0.05])[: 3 if focal_known else 4]

    def score(pose: ndarray) -> float:
        return votes.support(pose) + _prior(pose)

    best = max((ascend(seed, moves, score) for seed in _seeds(votes)), key=score)
    return Manhattan(rotation(*best[:3]), math.exp(best[3]), votes.support(best))


def _prior(pose: Pose) -> float:
    return -PRIOR_WEIGHT * float(((pose / USUAL_SPREAD) ** 2).sum())


def _seeds(votes: Votes) -> list[Pose]:
    """The best few of all attitudes on a grid; without segments, the ones nearest to level."""
    grid = [np.radians(np.arange(-limit, limit + 1, STEP_DEG)) for limit in (48, 20, 44)]
    poses = np.array([(p, r, y, 0.0) for p in grid[0] for r in grid[1] for y in grid[2]])
    scores = np.array([_prior(pose) for pose in poses])
    if len(votes.weights):
        axes = np.concatenate([rotation(*pose[:3]) for pose in poses]).astype(np.float32)
        scores += votes(axes).reshape(len(poses), 3, -1).max(1) @ votes.weights
    return [poses[i] for i in np.argsort(-scores, kind="stable")[:6]]
