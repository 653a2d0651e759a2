"""A shot through a lens that bends straight lines becomes one through a pinhole."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8

from vistadream.core import Camera, UserError
from vistadream.ops.image.distortion import Distortion, pinhole_within, straightening
from vistadream.sources.shot import Shot

Straight = tuple[Camera, UInt8[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"] | None, Float32[np.ndarray, "h w"] | None]


def undistorted(
    shot: Shot,
    picture: UInt8[np.ndarray, "H W 3"],
    mask: Bool[np.ndarray, "H W"] | None,
    depth: Float32[np.ndarray, "H W"] | None,
) -> Straight:
    """The camera, picture, mask and depth that a pinhole of the same focal length and pose would have given.

    The size differs a little, so that every pixel shows what the lens has seen. Depth is camera-space z and keeps its
    values. A shot without distortion stays as it is. UserError when the distortion cannot be undone over the whole
    picture, ValueError when the shot has no camera.
    """
    if shot.camera is None:
        raise ValueError(f"undistorted: the shot {shot.name!r} has no camera; wanted its intrinsics")
    if shot.distortion is None:
        return shot.camera, picture, mask, depth
    lens = (tuple(shot.camera.K.flatten().tolist()), shot.camera.width, shot.camera.height)
    try:
        pinhole, maps = _straightening(shot.distortion, *lens)
    except ValueError as error:
        raise UserError(
            f"{shot.name}: its lens distortion folds over within the picture ({error}); wanted coefficients that hold "
            "up to the corners: calibrate again, or give undistorted pictures"
        ) from error
    levels = _moved(picture, maps, cv2.INTER_LINEAR)
    mask = None if mask is None else _moved(mask.astype(np.uint8), maps, cv2.INTER_NEAREST).astype(bool)
    depth = None if depth is None else _moved(depth, maps, cv2.INTER_NEAREST)
    return pinhole.at(shot.camera.cam_from_world), levels, mask, depth


@lru_cache(maxsize=2)
def _straightening(
    distortion: Distortion, K: tuple[float, ...], width: int, height: int
) -> tuple[Camera, Float32[np.ndarray, "2 h w"]]:
    """The pinhole at the world's origin, and the pixels that it shows; kept, as most pictures have the same lens."""
    camera = Camera(torch.tensor(K).reshape(3, 3), torch.eye(4), width, height)
    pinhole = pinhole_within(camera, distortion)
    return pinhole, straightening(camera, distortion, pinhole)


def _moved(values: np.ndarray, maps: Float32[np.ndarray, "2 h w"], how: int) -> np.ndarray:
    return np.asarray(cv2.remap(values, maps[0], maps[1], how, borderMode=cv2.BORDER_REPLICATE))
