"""Models that take the principal point to be the picture's centre get a padded picture in which it is."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, View

Margins = tuple[int, int, int, int]
"""Pixels to add left, right, top and bottom."""


def centred_size(camera: Camera) -> tuple[int, int]:
    """Least width and height of a picture around this one with the principal point in its middle, to half a pixel.

    ValueError when pixels are not square, which these models do not know.
    """
    if abs(camera.fx / camera.fy - 1) > 0.01:
        raise ValueError(f"camera: the focal lengths are {camera.fx:g} and {camera.fy:g} px; wanted square pixels")
    off_x, off_y = round(camera.width - 2 * camera.cx), round(camera.height - 2 * camera.cy)
    return camera.width + abs(off_x), camera.height + abs(off_y)


def margins(camera: Camera, width: int, height: int) -> Margins:
    """What brings the principal point to the middle of width x height pixels, which are at least `centred_size`."""
    left = min(max(round(width / 2 - camera.cx), 0), width - camera.width)
    top = min(max(round(height / 2 - camera.cy), 0), height - camera.height)
    return left, width - camera.width - left, top, height - camera.height - top


def padded(view: View, margins: Margins) -> Float[Tensor, "3 H W"]:
    """The view's picture with its outermost pixels repeated into the margins."""
    return F.pad(view.rgb.detach().float().permute(2, 0, 1)[None], margins, mode="replicate")[0]


def window(view: View, margins: Margins) -> tuple[slice, slice]:
    """Rows and columns of the padded picture that are the view's own."""
    left, _, top, _ = margins
    return slice(top, top + view.camera.height), slice(left, left + view.camera.width)
