"""The layout prior of one picture: attitude, focal length, sky, room, and the depth that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from vistadream.backends.depth.layout.fit import LineField, fit_room
from vistadream.backends.depth.layout.lines import find_segments
from vistadream.backends.depth.layout.manhattan import Manhattan, Votes, find_manhattan
from vistadream.backends.depth.layout.room import INDOORS, OUTDOORS, Room
from vistadream.backends.depth.layout.sky import find_sky

OUTDOOR_SKY = 0.03
"""Share of the picture above which sky means outdoors."""


@dataclass(frozen=True)
class Layout:
    """What the prior made of a picture."""

    manhattan: Manhattan
    room: Room
    sky: Bool[ndarray, "h w"]
    z: Float[ndarray, "h w"]
    """Camera-space z in heights of the camera above the floor, sky included."""


def pixel_rays(K: Float[ndarray, "3 3"], width: int, height: int) -> Float[ndarray, "h w 3"]:
    """Camera-space rays through the pixel centres, at z = 1."""
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)], -1)


def read_layout(rgb: UInt8[ndarray, "h w 3"], K: Float[ndarray, "3 3"], focal_known: bool) -> Layout:
    """The layout of a picture whose camera has the intrinsics K, its focal length a guess unless known."""
    height, width = rgb.shape[:2]
    segments = find_segments(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    votes = Votes.of(segments, K)
    manhattan = find_manhattan(votes, focal_known)
    K = np.diag([manhattan.zoom, manhattan.zoom, 1.0]) @ K + np.outer((1 - manhattan.zoom) * K[:, 2], [0, 0, 1])
    rays_room = pixel_rays(K, width, height) @ manhattan.room_from_cam.T
    sky = find_sky(rgb.astype(np.float32) / 255, rays_room[..., 1] < 0)
    outdoors = sky.mean() > OUTDOOR_SKY
    room = fit_room(
        LineField.of(rays_room, segments, votes.axis(manhattan)),
        OUTDOORS if outdoors else INDOORS,
        benches=not outdoors,
    )
    return Layout(manhattan, room, sky, room.cast(rays_room)[0])
