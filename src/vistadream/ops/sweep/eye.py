"""A photo as the sweep reads it: gray, small, and with the pixels that may be matched."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64
from numpy import ndarray

from vistadream.core import Camera, View

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in gray (ITU-R BT.601)."""


@dataclass(frozen=True, eq=False)
class Eye:
    """A gray picture and its camera."""

    gray: Float32[ndarray, "h w"]
    """sRGB gray in [0, 1]."""
    usable: Bool[ndarray, "h w"]
    """Pixels that may be matched; False where a mask of the user covers the photo."""
    camera: Camera

    @property
    def matched(self) -> Float32[ndarray, "h w"]:
        """The gray values, NaN where they may not be matched."""
        return np.where(self.usable, self.gray, np.float32(np.nan))

    @property
    def K(self) -> Float64[ndarray, "3 3"]:
        return self.camera.K.detach().cpu().double().numpy()

    @property
    def cam_from_world(self) -> Float64[ndarray, "4 4"]:
        return self.camera.cam_from_world.detach().cpu().double().numpy()


def eye_of(view: View, long_side_px: int) -> Eye:
    """The Eye of a View, shrunk by areas to the given long side; a smaller View keeps its size."""
    camera = view.camera
    scale = min(1.0, long_side_px / max(camera.width, camera.height))
    size = max(1, round(camera.width * scale)), max(1, round(camera.height * scale))
    gray = view.rgb.detach().cpu().numpy() @ np.array(LUMA, np.float32)
    masked = cv2.resize((~view.lift).cpu().numpy().astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return Eye(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), masked == 0, camera.resize(*size))


def relative_pose(source: Eye, reference: Eye) -> Float64[ndarray, "4 4"]:
    """The transform from camera coordinates of the reference to those of the source."""
    return source.cam_from_world @ np.linalg.inv(reference.cam_from_world)


def homography(source: Eye, reference: Eye, inverse_z: float) -> Float64[ndarray, "3 3"]:
    """Pixels of the source for pixels of the reference that lie on the plane z = 1 / inverse_z of the reference.

    Pixel centers are at +0.5 on both sides.
    """
    pose = relative_pose(source, reference)
    through_plane = pose[:3, :3] + np.outer(pose[:3, 3], [0.0, 0.0, inverse_z])
    return source.K @ through_plane @ np.linalg.inv(reference.K)
