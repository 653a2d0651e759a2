"""The picture's three perpendicular directions (gravity and two horizontal axes), and its focal length if unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from vistadream.backends.depth.layout.ascent import ascend
from vistadream.backends.depth.layout.lines import Segments
from vistadream.ops.numerics.jit import kernel

TOLERANCE_DEG = 2.5
"""Standard deviation of a segment's direction about the direction to its vanishing point."""
SPREAD = math.sin(math.radians(TOLERANCE_DEG)) ** 2
"""The same as a squared sine."""
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
        return Votes(ends.mean(1), along / lengths[:, None], weights)

    def axis(self, manhattan: Manhattan) -> Int[ndarray, "n"]:
        """The room axis (0, 1, 2) that each segment follows, or -1."""
        sines = _sines_squared(manhattan.room_from_cam, manhattan.zoom, self.middles, self.directions)
        return np.where(sines.min(0) < -2 * math.log(0.1) * SPREAD, sines.argmin(0), -1)

    def supports(self, poses: Float[ndarray, "p 4"]) -> Float[ndarray, "p"]:
        """Fraction of segment length that follows an axis of each pose; a segment counts for its best axis only."""
        axes_cam = np.array([rotation(*pose[:3]) for pose in poses])
        return _supports(axes_cam, np.exp(poses[:, 3]), self.middles, self.directions, self.weights)


@kernel()
def _sines_squared(axes_cam, zoom, middles, directions):
    """Squared sine of the angle between each segment and the line from its midpoint to each vanishing point."""
    sines = np.empty((3, len(middles)))
    for n in range(len(middles)):
        for a in range(3):
            to_x = axes_cam[a, 0] * zoom - axes_cam[a, 2] * middles[n, 0]
            to_y = axes_cam[a, 1] * zoom - axes_cam[a, 2] * middles[n, 1]
            across = to_x * directions[n, 1] - to_y * directions[n, 0]
            sines[a, n] = across**2 / max(to_x**2 + to_y**2, 1e-12)
    return sines


@kernel(nogil=True)
def _supports(axes_cam, zooms, middles, directions, weights):
    """`Votes.supports` for rotations and ratios of focal lengths."""
    supports = np.zeros(len(axes_cam))
    for p in range(len(axes_cam)):
        sines = _sines_squared(axes_cam[p], zooms[p], middles, directions)
        for n in range(len(weights)):
            nearest = min(sines[0, n], sines[1, n], sines[2, n])
            supports[p] += weights[n] * math.exp(-0.5 * nearest / SPREAD)
    return supports


def find_manhattan(votes: Votes, focal_known: bool) -> Manhattan:
    """The attitude (and focal length) with the highest support and prior.

    Exhaustive search in steps of 4 degrees, then refinement of the best few; deterministic.
    """
    turn = math.radians(1.5)
    moves = np.diag([turn, turn, turn, 0.05])[: 3 if focal_known else 4]

    def score(pose: ndarray) -> float:
        return float((votes.supports(pose[None]) + _priors(pose[None]))[0])

    best = max((ascend(seed, moves, score) for seed in _seeds(votes)), key=score)
    return Manhattan(rotation(*best[:3]), math.exp(best[3]), float(votes.supports(best[None])[0]))


def _priors(poses: Float[ndarray, "p 4"]) -> Float[ndarray, "p"]:
    return -PRIOR_WEIGHT * ((poses / USUAL_SPREAD) ** 2).sum(1)


def _seeds(votes: Votes) -> list[Pose]:
    """The best few of all attitudes on a grid; without segments, the ones nearest to level."""
    pitches, rolls, yaws = (np.radians(np.arange(-limit, limit + 1, STEP_DEG)) for limit in (48, 20, 44))
    poses = np.array(list(product(pitches, rolls, yaws, [0.0])))
    scores = votes.supports(poses) + _priors(poses)
    return [poses[i] for i in np.argsort(-scores, kind="stable")[:6]]
