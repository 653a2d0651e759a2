"""Lenses that bend straight lines, by the models of OpenCV, and the way back to a pinhole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from vistadream.core import Camera

Kind = Literal["radial_tangential", "fisheye"]
"""fisheye: the angle between ray and axis is what grows with the distance from the center of the picture."""
WIDEST = math.tan(math.radians(60))
"""The slope of the outermost ray of a pinhole camera that replaces a lens; farther out, pinholes stretch too much."""
_STEEPEST = math.radians(89)
"""The largest angle between a ray and the axis that is looked at."""
_STEPS = 4096
_ROUNDS = 10
"""Of a fixed-point iteration for the tangential part, which is small."""
_ALONG_A_SIDE = 129
"""Points at which a side of the picture is unbent."""


@dataclass(frozen=True)
class Distortion:
    """How a lens bends straight lines, by the models of OpenCV."""

    kind: Kind
    coefficients: tuple[float, ...]
    """In OpenCV's order: k1 k2 p1 p2 k3 k4 k5 k6, or k1 k2 k3 k4 for fisheye; the last ones may be left out."""


def distortion_of(kind: Kind, coefficients: Sequence[float]) -> Distortion | None:
    """The distortion; None for a lens that bends nothing."""
    return Distortion(kind, tuple(coefficients)) if kind == "fisheye" or any(coefficients) else None


def bent(points: Float64[np.ndarray, "n 2"], distortion: Distortion) -> Float64[np.ndarray, "n 2"]:
    """Where the lens puts rays (x, y, 1), in units of the focal length from the principal point."""
    if not len(points):
        return points
    if distortion.kind == "fisheye":
        return cv2.fisheye.distortPoints(points[:, None], np.eye(3), _padded(distortion))[:, 0]
    rays = np.column_stack([points, np.ones(len(points))])
    return cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), _padded(distortion))[0][:, 0]


def unbent(points: Float64[np.ndarray, "n 2"], distortion: Distortion) -> Float64[np.ndarray, "n 2"]:
    """The rays (x, y, 1) that the lens puts at these points: the inverse of `bent`.

    A point that no ray reaches gets the ray that comes nearest to it. ValueError says where the distortion folds over,
    so that two rays meet in one point, if the farthest of the points lies beyond.
    """
    center_only = _without_tangential(distortion)
    radii, images = _radial_table(center_only, float(np.linalg.norm(points, axis=-1).max(initial=0)))
    rays = points
    for _ in range(_ROUNDS):
        near = rays * np.minimum(1, WIDEST / np.maximum(np.linalg.norm(rays, axis=-1, keepdims=True), 1e-12))
        radial = points - (bent(near, distortion) - bent(near, center_only))
        length = np.linalg.norm(radial, axis=-1, keepdims=True)
        rays = radial / np.maximum(length, 1e-12) * np.interp(length, images, radii)
    return rays


def pinhole_within(camera: Camera, distortion: Distortion) -> Camera:
    """The largest pinhole camera of the same focal lengths whose whole picture the lens has seen.

    It sees at most 60 degrees to each side. ValueError when the distortion folds over within the picture.
    """
    across = np.linspace(0, camera.width, _ALONG_A_SIDE)
    down = np.linspace(0, camera.height, _ALONG_A_SIDE)
    left, right = (_rays_at(camera, distortion, np.full_like(down, x), down)[:, 0] for x in (0, camera.width))
    top, bottom = (_rays_at(camera, distortion, across, np.full_like(across, y))[:, 1] for y in (0, camera.height))
    width, cx = _side(left.max(), right.min(), camera.fx)
    height, cy = _side(top.max(), bottom.min(), camera.fy)
    K = camera.K.new_tensor([[camera.fx, 0, cx], [0, camera.fy, cy], [0, 0, 1]])
    return Camera(K, camera.cam_from_world, width, height)


def straightening(camera: Camera, distortion: Distortion, pinhole: Camera) -> Float32[np.ndarray, "2 h w"]:
    """For each pixel of `pinhole`, the x and y of the pixel of `camera` that it shows, as cv2.remap wants them.

    OpenCV counts the center of the first pixel at 0, and we at 0.5.
    """
    K, new_K = (_opencv_K(each) for each in (camera, pinhole))
    args = (K, _padded(distortion), np.eye(3), new_K, (pinhole.width, pinhole.height), cv2.CV_32FC1)
    make = cv2.fisheye.initUndistortRectifyMap if distortion.kind == "fisheye" else cv2.initUndistortRectifyMap
    return np.stack(make(*args))


def _opencv_K(camera: Camera) -> Float64[np.ndarray, "3 3"]:
    return np.array([[camera.fx, 0, camera.cx - 0.5], [0, camera.fy, camera.cy - 0.5], [0, 0, 1]])


def _padded(distortion: Distortion) -> Float64[np.ndarray, "k"]:
    padded = np.zeros(4 if distortion.kind == "fisheye" else 8)
    padded[: len(distortion.coefficients)] = distortion.coefficients
    return padded


def _without_tangential(distortion: Distortion) -> Distortion:
    if distortion.kind == "fisheye":
        return distortion
    k1, k2, _, _, *rest = _padded(distortion).tolist()
    return Distortion(distortion.kind, (k1, k2, 0.0, 0.0, *rest))


def _radial_table(distortion: Distortion, farthest: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances of rays from the axis and where the lens puts them, as far as both grow; ValueError of `unbent`."""
    radii = np.tan(np.linspace(0, _STEEPEST, _STEPS))
    images = bent(np.column_stack([radii, np.zeros(_STEPS)]), distortion)[:, 0]
    grows = np.diff(images) > 0
    n = _STEPS if grows.all() else int(grows.argmin()) + 1
    if n < _STEPS and images[n - 1] < farthest:
        raise ValueError(f"beyond {images[n - 1]:.3g} focal lengths from its center")
    return radii[:n], images[:n]


def _rays_at(camera: Camera, distortion: Distortion, u: np.ndarray, v: np.ndarray) -> Float64[np.ndarray, "n 2"]:
    return unbent(np.column_stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy]), distortion)


def _side(low: float, high: float, focal_px: float) -> tuple[int, float]:
    """The whole pixels between two slopes of rays, and the principal point on them."""
    low, high = max(low, -WIDEST), min(high, WIDEST)
    size = math.floor((high - low) * focal_px + 1e-6)
    if size < 1:
        raise ValueError("none of the picture is left")
    return size, size / 2 - (low + high) / 2 * focal_px
