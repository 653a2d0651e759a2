"""The layout prior of one picture: attitude, focal length, sky, room, and the resulting depth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from vistadream.backends.depth.layout.fit import LineField, fit_room
from vistadream.backends.depth.layout.foreground import find_foreground, stand
from vistadream.backends.depth.layout.lines import Segments, find_segments
from vistadream.backends.depth.layout.manhattan import Votes, find_manhattan
from vistadream.backends.depth.layout.matting import follow_edges
from vistadream.backends.depth.layout.outdoors import cast_outdoors, curtain_distance, find_ground
from vistadream.backends.depth.layout.regions import find_regions, region_colors
from vistadream.backends.depth.layout.sky import find_sky
from vistadream.backends.depth.layout.trust import OUTDOORS, error_of_room

REGION_WIDTH = 320
"""Width in pixels at which color regions are computed."""


@dataclass(frozen=True)
class Layout:
    """The layout of a picture."""

    zoom: float
    """Estimated focal length divided by the initial guess; 1 if the focal length is known."""
    sky: Bool[ndarray, "h w"]
    z: Float[ndarray, "h w"]
    """Camera-space z in heights of the camera above the floor; also defined in the sky."""
    error: float
    """Expected absolute error of log z."""


def pixel_rays(K: Float[ndarray, "3 3"], width: int, height: int) -> Float[ndarray, "h w 3"]:
    """Camera-space rays through the pixel centers, at z = 1."""
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)], -1)


def read_layout(rgb: UInt8[ndarray, "h w 3"], K: Float[ndarray, "3 3"], focal_known: bool) -> Layout:
    """The layout of a picture with intrinsics K, whose focal length is an initial guess unless `focal_known`."""
    height, width = rgb.shape[:2]
    segments = find_segments(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    votes = Votes.of(segments, K)
    manhattan = find_manhattan(votes, focal_known)
    K = K * np.array([[manhattan.zoom, 1, 1], [1, manhattan.zoom, 1], [1, 1, 1]])
    rays_room = pixel_rays(K, width, height) @ manhattan.room_from_cam.T
    sky = find_sky(rgb.astype(np.float32) / 255, rays_room[..., 1] < 0)
    if sky.any():
        return Layout(manhattan.zoom, sky, _read_outdoors(rgb, rays_room), OUTDOORS)
    return Layout(manhattan.zoom, sky, *_read_room(rgb, rays_room, segments, votes.axis(manhattan)))


def _small(image: ndarray) -> ndarray:
    """The picture, or its rays, at the width at which color regions are computed."""
    size = (REGION_WIDTH, max(8, round(REGION_WIDTH * image.shape[0] / image.shape[1])))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _read_outdoors(rgb: ndarray, rays_room: ndarray) -> Float[ndarray, "h w"]:
    rays, picture = _small(rays_room), _small(rgb)
    regions = find_regions(picture)
    ground = find_ground(regions, region_colors(picture, regions), rays[..., 1] > 0)
    return cast_outdoors(curtain_distance(ground, rays), rays_room)


def _read_room(rgb: ndarray, rays_room: ndarray, segments: Segments, axes: ndarray) -> tuple[ndarray, float]:
    """Depth of the room with the foreground objects in front of it, and its expected error."""
    lines = LineField.of(rays_room, segments, axes)
    room = fit_room(lines)
    z = room.cast(rays_room)[0]
    rays = _small(rays_room)
    small_z, surfaces = room.cast(rays)
    floor_z = 1 / np.maximum(rays[..., 1], 1e-3)
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) / 255
    for thing in find_foreground(find_regions(_small(rgb)), surfaces, rays[..., 1] > 0):
        z = np.where(follow_edges(thing, guide), np.minimum(z, stand(small_z, floor_z, thing)), z)
    return z, error_of_room(lines.score(room), segments, axes, float(np.hypot(*rgb.shape[:2])))
