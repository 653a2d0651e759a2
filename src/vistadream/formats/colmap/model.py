"""The content of a model: cameras, images and points, as they are stored.

COLMAP has the same camera axes, pixel centers and direction of the pose as `core.Camera`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8

MODELS: dict[str, tuple[int, str]] = {
    "SIMPLE_PINHOLE": (0, "f cx cy"),
    "PINHOLE": (1, "fx fy cx cy"),
    "SIMPLE_RADIAL": (2, "f cx cy k"),
    "RADIAL": (3, "f cx cy k1 k2"),
    "OPENCV": (4, "fx fy cx cy k1 k2 p1 p2"),
    "OPENCV_FISHEYE": (5, "fx fy cx cy k1 k2 k3 k4"),
    "FULL_OPENCV": (6, "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6"),
    "FOV": (7, "fx fy cx cy omega"),
    "SIMPLE_RADIAL_FISHEYE": (8, "f cx cy k"),
    "RADIAL_FISHEYE": (9, "f cx cy k1 k2"),
    "THIN_PRISM_FISHEYE": (10, "fx fy cx cy k1 k2 p1 p2 k3 k4 sx1 sy1"),
    "RAD_TAN_THIN_PRISM_FISHEYE": (11, "fx fy cx cy k0 k1 k2 k3 k4 k5 p0 p1 s0 s1 s2 s3"),
    "SIMPLE_DIVISION": (12, "f cx cy k"),
    "DIVISION": (13, "fx fy cx cy k"),
    "SIMPLE_FISHEYE": (14, "f cx cy"),
    "FISHEYE": (15, "fx fy cx cy"),
    "EUCM": (16, "fx fy cx cy alpha beta"),
    "EQUIRECTANGULAR": (17, "w h"),
}
"""The camera models by name: the number in a binary file, and the names of the parameters."""


@dataclass(frozen=True)
class ColmapCamera:
    """Intrinsics and picture size. ValueError when the model is unknown or has another number of parameters."""

    camera_id: int
    model: str
    """One of MODELS."""
    width: int
    height: int
    params: tuple[float, ...]
    """In the order of MODELS; lengths in pixels."""

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"the camera model is {self.model!r}; wanted one of {', '.join(MODELS)}")
        names = MODELS[self.model][1].split()
        if len(self.params) != len(names):
            raise ValueError(
                f"got {len(self.params)} parameters; wanted {len(names)} for {self.model}: {' '.join(names)}"
            )
        refuse_non_finite(self.params)


@dataclass(frozen=True, eq=False)
class ColmapImage:
    """A picture, its pose and its 2D points. ValueError when a number is not finite."""

    image_id: int
    quat_wxyz: tuple[float, float, float, float]
    """The rotation of cam_from_world as stored; its length can differ from 1."""
    translation: tuple[float, float, float]
    """The translation of cam_from_world, in the units of the model."""
    camera_id: int
    name: str
    """Path of the picture in the folder of pictures. Bytes that are not UTF-8 become lone surrogates."""
    points_px: Float64[np.ndarray, "n 2"]
    point_ids: Int64[np.ndarray, "n"]
    """The id of the 3D point of each 2D point; -1: none."""

    def __post_init__(self) -> None:
        refuse_non_finite((*self.quat_wxyz, *self.translation))
        if not np.isfinite(self.points_px).all():
            raise ValueError("a 2D point is not finite; wanted finite pixels")


@dataclass(frozen=True, eq=False)
class ColmapPoints:
    """The 3D points."""

    ids: Int64[np.ndarray, "n"]
    xyz: Float64[np.ndarray, "n 3"]
    rgb: UInt8[np.ndarray, "n 3"]
    error_px: Float64[np.ndarray, "n"]
    """Mean reprojection error."""
    tracks: tuple[Int64[np.ndarray, "k 2"], ...]
    """For each point, the ids of the images that see it and the indices of its 2D points there."""


def refuse_non_finite(values: tuple[float, ...]) -> None:
    if not all(map(math.isfinite, values)):
        raise ValueError(f"got {' '.join(map(str, values))}; wanted finite numbers")
