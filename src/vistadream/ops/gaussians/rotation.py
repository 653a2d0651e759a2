"""Conversions between rotation matrices and quaternions."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def rotations_from_quats(quats_wxyz: Float[Tensor, "n 4"]) -> Float[Tensor, "n 3 3"]:
    """Rotation matrices of quaternions wxyz of any length except zero."""
    w, x, y, z = torch.nn.functional.normalize(quats_wxyz, dim=-1).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def quats_from_rotations(R: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n 4"]:
    """Unit quaternions wxyz (w >= 0) of rotation matrices, by the largest component (Shepperd 1978)."""
    xx, yy, zz = R[:, 0, 0], R[:, 1, 1], R[:, 2, 2]
    squares = torch.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], dim=-1)
    differences = torch.stack([R[:, 2, 1] - R[:, 1, 2], R[:, 0, 2] - R[:, 2, 0], R[:, 1, 0] - R[:, 0, 1]], dim=-1)
    xy, xz, yz = R[:, 0, 1] + R[:, 1, 0], R[:, 0, 2] + R[:, 2, 0], R[:, 1, 2] + R[:, 2, 1]
    dx, dy, dz = differences.unbind(-1)
    candidates = torch.stack(
        [
            torch.stack([squares[:, 0], dx, dy, dz], -1),
            torch.stack([dx, squares[:, 1], xy, xz], -1),
            torch.stack([dy, xy, squares[:, 2], yz], -1),
            torch.stack([dz, xz, yz, squares[:, 3]], -1),
        ],
        dim=1,
    )
    best = squares.argmax(dim=-1)
    quats = torch.nn.functional.normalize(candidates[torch.arange(len(R), device=R.device), best], dim=-1)
    return torch.where(quats[:, :1] < 0, -quats, quats)
