"""Gaussians that a model predicts from the picture: the depth that they show, and the sky among them."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool
from torch import Tensor

from vistadream.core import Camera, DepthPrediction, Gaussians, Renderer, Splats


def seen_depth(splats: Splats, sky: Bool[Tensor, "h w"] | None, renderer: Renderer) -> DepthPrediction:
    """The median depth of the Gaussians as their camera sees them; not valid where a ray is less than half covered.

    `sky` is that of the depth model. It is not used where the Gaussians' own sky is kept.
    """
    with torch.no_grad():
        drawn = renderer(splats.gaussians, [splats.depth.camera], want=("z_median",))[0]
    z, sky = drawn.require("z_median"), None if splats.keep_sky else sky
    valid = z > 0 if sky is None else (z > 0) & ~sky
    return replace(splats.depth, z=z, valid=valid, sky=sky, normals=None, confidence=None)


def without_sky(gaussians: Gaussians, camera: Camera, sky: Bool[Tensor, "h w"]) -> Gaussians:
    """The Gaussians but those whose center appears in the sky of the camera's picture."""
    pixel, z = camera.project(gaussians.means)
    column, row = pixel.floor().nan_to_num(-1, -1, -1).long().unbind(-1)
    inside = (z > 0) & (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    in_sky = sky[row.clamp(0, camera.height - 1), column.clamp(0, camera.width - 1)]
    return gaussians.subset(~(inside & in_sky))
