"""A map from above: the surfaces of a scene, the places that were looked at, and how much hole is left there."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians
from vistadream.ops.camera_path.pose import centers_of

_SIDE_PX = 480
_MOST_DOTS = 40_000
_WORST = 0.05
"""A place with this share of holes or more is drawn in full red; one without is green."""
_ARROW_PX = 14


def bird_view(
    gaussians: Gaussians, looks: Sequence[Camera], holes: Sequence[float], chosen: Sequence[Camera], photo: Camera
) -> Float[Tensor, "h w 3"]:
    """The scene from above, in the photo's axes: forward is up. Surfaces are dots in their colors.

    Each look is a ring from green (no holes) to red (5 % and more), each chosen view a blue line in its direction from
    its place. The map shows three times the extent of the looks in front of the photo, and once that extent behind it.
    """
    to_photo = photo.cam_from_world
    places = centers_of([*looks, *chosen, photo]) @ to_photo[:3, :3].T + to_photo[:3, 3]
    scale = _SIDE_PX / (4 * max(float(places[:, [0, 2]].abs().max()), 1e-6))
    picture = np.full((_SIDE_PX, _SIDE_PX, 3), 1.0, np.float32)
    _draw_dots(picture, gaussians, photo, scale)
    for camera in chosen:
        place = camera.center
        ahead = place + camera.cam_from_world[2, :3] * (_ARROW_PX / scale)
        start, end = (_pixel(to_photo[:3, :3] @ p + to_photo[:3, 3], scale) for p in (place, ahead))
        cv2.line(picture, start, end, (0.1, 0.3, 0.9), 2, cv2.LINE_AA)
    for place, share in zip(places, holes, strict=False):
        worst = min(share / _WORST, 1.0)
        cv2.circle(picture, _pixel(place, scale), 5, (worst, 0.7 * (1 - worst), 0.0), 2, cv2.LINE_AA)
    return torch.from_numpy(picture).clamp(0, 1)


def _draw_dots(picture: np.ndarray, gaussians: Gaussians, photo: Camera, scale: float) -> None:
    every = max(1, len(gaussians) // _MOST_DOTS)
    means, colors = (x[::every].detach().cpu() for x in (gaussians.means, gaussians.colors))
    p = means @ photo.cam_from_world[:3, :3].T + photo.cam_from_world[:3, 3]
    column, row = (_SIDE_PX / 2 + scale * p[:, 0]).long(), (3 / 4 * _SIDE_PX - scale * p[:, 2]).long()
    inside = (column >= 0) & (column < _SIDE_PX) & (row >= 0) & (row < _SIDE_PX)
    picture[row[inside].numpy(), column[inside].numpy()] = 0.3 + 0.7 * colors[inside].numpy()


def _pixel(place: Float[Tensor, "3"], scale: float) -> tuple[int, int]:
    return round(_SIDE_PX / 2 + scale * float(place[0])), round(3 / 4 * _SIDE_PX - scale * float(place[2]))
