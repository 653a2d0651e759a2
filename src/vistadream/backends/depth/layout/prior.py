"""The layout prior of one picture: attitude, focal length, room, and the resulting depth."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from vistadream.backends.depth.layout.copies import COPIES, Copy
from vistadream.backends.depth.layout.fit import LineField, fit_room
from vistadream.backends.depth.layout.lines import find_segments
from vistadream.backends.depth.layout.manhattan import Manhattan, Votes, find_manhattan
from vistadream.backends.depth.layout.room import Room
from vistadream.backends.depth.layout.trust import evidence_of_room, smooth_step, trust_of

LEAST_TRUST = 0.05
"""Added to the trust in each copy for its weight in the mean, so that the mean is defined without any evidence."""
AGREEING = 0.12
"""Mean absolute difference of log z between the copies at which half of the trust is left. This difference varies by
0.05 when a photo hardly changes, so trust must not fall steeply with it."""
SHAPED = 0.1
"""Standard deviation of log z above which a room is full evidence; a single wall is none, since it fits any lines."""


@dataclass(frozen=True)
class Reading:
    """The room in one copy of the picture."""

    manhattan: Manhattan
    room: Room
    evidence: float


def pixel_rays(K: Float[ndarray, "3 3"], width: int, height: int) -> Float[ndarray, "h w 3"]:
    """Camera-space rays through the pixel centers, at z = 1."""
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)], -1)


def read_room(rgb: UInt8[ndarray, "h w 3"], K: Float[ndarray, "3 3"], focal_known: bool) -> Reading:
    """The room in a picture with intrinsics K, whose focal length is an initial guess unless `focal_known`."""
    height, width = rgb.shape[:2]
    segments = find_segments(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    votes = Votes.of(segments, K)
    manhattan = find_manhattan(votes, focal_known)
    K = K * np.array([[manhattan.zoom, 1, 1], [1, manhattan.zoom, 1], [1, 1, 1]])
    rays_room = pixel_rays(K, width, height) @ manhattan.room_from_cam.T
    axes = votes.axis(manhattan)
    room, score = fit_room(LineField.of(rays_room, segments, axes))
    return Reading(manhattan, room, evidence_of_room(score, segments, axes, float(np.hypot(height, width))))


@dataclass(frozen=True)
class Layout:
    """The layout of a picture: the mean over slightly changed copies of it, so that no single decision matters."""

    zoom: float
    """Estimated focal length divided by the initial guess; 1 if the focal length is known."""
    log_z: Float[ndarray, "h w"]
    """Logarithm of camera-space z in heights of the camera above the floor."""
    trust: float
    """In [0, 1]: how far the lines support a room, and the copies agree on it."""


def read_layout(rgb: UInt8[ndarray, "h w 3"], K: Float[ndarray, "3 3"], focal_known: bool) -> Layout:
    """The layout of a picture with intrinsics K, whose focal length is an initial guess unless `focal_known`."""
    height, width = rgb.shape[:2]
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(lambda copy: read_room(copy.picture(rgb), copy.intrinsics(K, width, height), focal_known), COPIES)
        )
    trusts = np.array([trust_of(reading.evidence) for reading in found])
    weights = (trusts + LEAST_TRUST) / (trusts + LEAST_TRUST).sum()
    log_z = np.stack([_cast(reading, copy, K, width, height) for reading, copy in zip(found, COPIES, strict=True)])
    mean = np.tensordot(weights, log_z, 1)
    spread = float(np.abs(log_z - mean).mean((1, 2)) @ weights)
    agreeing = 1 / (1 + (spread / AGREEING) ** 2) * smooth_step(float(mean.std()) / SHAPED)
    zoom = float(np.exp(np.mean([np.log(reading.manhattan.zoom) for reading in found])))
    return Layout(zoom, mean, float(trusts.mean()) * agreeing)


def _cast(reading: Reading, copy: Copy, K: Float[ndarray, "3 3"], width: int, height: int) -> Float[ndarray, "h w"]:
    """Log z of a copy's room at the pixels of the whole picture."""
    zoom = reading.manhattan.zoom
    rays = pixel_rays(copy.mirrored_intrinsics(K, width) * [[zoom, 1, 1], [1, zoom, 1], [1, 1, 1]], width, height)
    log_z = np.log(reading.room.cast(rays @ reading.manhattan.room_from_cam.T)[0])
    return log_z[:, ::-1] if copy.mirrored else log_z
