"""How the pixels of a photo become those of the working picture, and its camera with them."""

from __future__ import annotations

import torch

from vistadream.core import Camera, UserError
from vistadream.ops.image.pixels import Fit, fit_resolution


def working_fit(photo: object, width: int, height: int, max_resolution: int, multiple: int) -> Fit:
    """The fit of a photo of width x height pixels; UserError with the name of the `photo` when it is too small."""
    try:
        return fit_resolution(width, height, max_resolution, multiple)
    except ValueError as error:
        raise UserError(
            f"{photo} is too small or too narrow: {error}; wanted at least {multiple} pixels on each side: use a "
            "larger picture, crop it, or raise max_resolution"
        ) from error


def fitted(camera: Camera, fit: Fit) -> Camera:
    """The camera (float32) of the working picture, from that of the photo."""
    left, top, s = *fit.box[:2], fit.scale
    rows = [[camera.fx * s, 0.0, (camera.cx - left) * s], [0.0, camera.fy * s, (camera.cy - top) * s], [0.0, 0.0, 1.0]]
    return Camera(torch.tensor(rows), camera.cam_from_world.float(), fit.width, fit.height)
