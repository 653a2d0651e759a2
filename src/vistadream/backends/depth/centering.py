"""Pads pictures so that the principal point is at the center, for models that assume this."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, View

Margins = tuple[int, int, int, int]
"""Pixels to add left, right, top and bottom."""


def centered_size(camera: Camera) -> tuple[int, int]:
    """The smallest width and height of a padded picture whose center is the principal point, to half a pixel.

    ValueError if the pixels are not square: these models have one focal length.
    """
    if abs(camera.fx / camera.fy - 1) > 0.01:
        raise ValueError(f"camera: the focal lengths are {camera.fx:g} and {camera.fy:g} px; wanted square pixels")
    off_x, off_y = round(camera.width - 2 * camera.cx), round(camera.height - 2 * camera.cy)
    return camera.width + abs(off_x), camera.height + abs(off_y)


def margins(camera: Camera, width: int, height: int) -> Margins:
    """The margins that move the principal point to the center of width x height pixels (at least `centered_size`)."""
    left = min(max(round(width / 2 - camera.cx), 0), width - camera.width)
    top = min(max(round(height / 2 - camera.cy), 0), height - camera.height)
    return left, width - camera.width - left, top, height - camera.height - top


def padded(view: View, margins: Margins) -> Float[Tensor, "3 H W"]:
    """The view's picture with its outermost pixels repeated into the margins."""
    return F.pad(view.rgb.detach().float().permute(2, 0, 1)[None], margins, mode="replicate")[0]


def window(view: View, margins: Margins) -> tuple[slice, slice]:
    """Rows and columns of the view in the padded picture."""
    left, _, top, _ = margins
    return slice(top, top + view.camera.height), slice(left, left + view.camera.width)
