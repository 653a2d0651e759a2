"""How far found cameras are from the true ones. All measures ignore the choice of world and unit."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera
from vistadream.ops.views.similarity import fit_similarity


def trajectory_error(found: Sequence[Camera], truth: Sequence[Camera]) -> float:
    """Root mean square distance of the camera centers after Umeyama's alignment, as a share of the trajectory's extent.

    The extent is the root mean square distance of the true centers from their mean. ValueError for fewer than 3 cameras
    or for centers on one line.
    """
    centers, true = (torch.stack([camera.center.double() for camera in cameras]) for cameras in (found, truth))
    off = fit_similarity(centers, true).points(centers) - true
    return float((off.square().sum() / (true - true.mean(0)).square().sum()).sqrt())


def rotation_error_deg(found: Sequence[Camera], truth: Sequence[Camera]) -> float:
    """Mean angle in degrees between found and true rotations, after the rotation of the world that fits best."""
    mine, true = (_rotations(cameras) for cameras in (found, truth))
    U, _, Vt = torch.linalg.svd((mine.mT @ true).sum(0))
    signs = U.new_tensor([1.0, 1.0, float(torch.sign(torch.linalg.det(U @ Vt)))])
    off = mine @ (U @ torch.diag(signs) @ Vt) @ true.mT
    sine = torch.stack([off[:, 2, 1] - off[:, 1, 2], off[:, 0, 2] - off[:, 2, 0], off[:, 1, 0] - off[:, 0, 1]]).norm(
        dim=0
    )
    cosine = off.diagonal(dim1=1, dim2=2).sum(1) - 1
    return float(torch.atan2(sine, cosine).rad2deg().mean())


def focal_error(found: Sequence[Camera], truth: Sequence[Camera]) -> float:
    """Mean of |focal length / true focal length - 1|."""
    ratios = [mine.fx / true.fx for mine, true in zip(found, truth, strict=True)]
    return sum(abs(ratio - 1) for ratio in ratios) / len(ratios)


def _rotations(cameras: Sequence[Camera]) -> Float[Tensor, "n 3 3"]:
    return torch.stack([camera.cam_from_world[:3, :3].double() for camera in cameras])
