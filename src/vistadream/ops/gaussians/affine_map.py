"""Gaussians under an affine map of space: the covariance S becomes A S A^T."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Gaussians
from vistadream.ops.gaussians.rotation import quats_from_rotations, rotations_from_quats
from vistadream.ops.numerics.precision import widened

_AT_ONCE = 200_000
"""Matrices that are decomposed together."""
_THINNEST = 1e-6
"""Of a Gaussian's largest scale: a smaller one is rounding."""


def mapped(gaussians: Gaussians, linear: Float[Tensor, "3 3"], offset: Float[Tensor, "3"]) -> Gaussians:
    """The Gaussians where x becomes linear @ x + offset; their axes in order of decreasing scale.

    The map may stretch and mirror. Rotations are right-handed and scales positive in any case.
    """
    linear, offset = linear.to(gaussians.means), offset.to(gaussians.means)
    parts = zip(gaussians.quats_wxyz.split(_AT_ONCE), gaussians.scales.split(_AT_ONCE), strict=True)
    shapes = [_mapped_shape(quats, scales, linear) for quats, scales in parts]
    quats, scales = (torch.cat(each) for each in zip(*shapes, strict=True))
    return replace(gaussians, means=gaussians.means @ linear.T + offset, quats_wxyz=quats, scales=scales)


def _mapped_shape(
    quats: Float[Tensor, "n 4"], scales: Float[Tensor, "n 3"], linear: Float[Tensor, "3 3"]
) -> tuple[Float[Tensor, "n 4"], Float[Tensor, "n 3"]]:
    """Quaternions and scales of the mapped covariances, by their eigenvectors, in double precision."""
    root = widened(linear) @ (rotations_from_quats(widened(quats)) * widened(scales)[:, None])
    variances, axes = torch.linalg.eigh(root @ root.transpose(1, 2))
    variances, axes = variances.flip(-1), axes.flip(-1)
    axes[:, :, 2] *= torch.linalg.det(axes).sign()[:, None]
    deviations = variances.clamp_min(0).sqrt()
    deviations = torch.maximum(deviations, _THINNEST * deviations[:, :1])
    return quats_from_rotations(axes).to(quats), deviations.to(scales)
