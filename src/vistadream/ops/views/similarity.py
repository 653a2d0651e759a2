"""The similarity that maps one set of points onto another: rotation, scale and translation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera


@dataclass(frozen=True, eq=False)
class Similarity:
    """x -> scale * rotation @ x + translation."""

    scale: float
    rotation: Float[Tensor, "3 3"]
    translation: Float[Tensor, "3"]

    def points(self, xyz: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
        """The moved points, in the precision of `xyz`."""
        return self.scale * xyz @ self.rotation.to(xyz).T + self.translation.to(xyz)

    def camera(self, camera: Camera) -> Camera:
        """The camera that sees the moved world as the given one saw the world, only in another unit."""
        R, t = camera.cam_from_world[:3, :3].double(), camera.cam_from_world[:3, 3].double()
        moved = torch.eye(4, dtype=torch.float64, device=R.device)
        moved[:3, :3] = R @ self.rotation.double().T
        moved[:3, 3] = self.scale * t - moved[:3, :3] @ self.translation.double()
        return camera.at(moved.to(camera.cam_from_world))


def fit_similarity(source: Float[Tensor, "n 3"], target: Float[Tensor, "n 3"]) -> Similarity:
    """The similarity with the least squared distance of the moved source to the target (Umeyama 1991), on the CPU.

    ValueError for fewer than 3 points, or for points on one line, which leave the rotation open.
    """
    refused = ValueError(
        f"fit_similarity: got {len(source)} points, perhaps on one line; wanted 3 or more that are not"
    )
    if len(source) < 3:
        raise refused
    a, b = source.cpu().double(), target.cpu().double()
    mean_a, mean_b = a.mean(0), b.mean(0)
    U, D, Vt = torch.linalg.svd((b - mean_b).T @ (a - mean_a) / len(a))
    if not float(D[1]) > 1e-9 * float(D[0]):
        raise refused
    signs = torch.ones_like(D)
    signs[2] = torch.sign(torch.linalg.det(U) * torch.linalg.det(Vt))
    rotation = U @ torch.diag(signs) @ Vt
    scale = float((D * signs).sum() / (a - mean_a).square().sum(1).mean())
    return Similarity(scale, rotation, mean_b - scale * rotation @ mean_a)


def fit_similarity_robustly(
    source: Float[Tensor, "n 3"], target: Float[Tensor, "n 3"], tolerance: float, tries: int = 200, seed: int = 0
) -> tuple[Similarity, Bool[Tensor, "n"]]:
    """A similarity that outliers do not move (RANSAC), and the points that it brings within `tolerance` of the target.

    ValueError as `fit_similarity`. The same seed gives the same result.
    """
    generator = torch.Generator().manual_seed(seed)
    best = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    for _ in range(tries):
        chosen = torch.randperm(len(source), generator=generator)[:3].to(source.device)
        try:
            guess = fit_similarity(source[chosen], target[chosen])
        except ValueError:
            continue
        near = _near(guess, source, target, tolerance)
        if int(near.sum()) > int(best.sum()):
            best = near
    if int(best.sum()) < 3:
        best = torch.ones_like(best)
    found = fit_similarity(source[best], target[best])
    return found, _near(found, source, target, tolerance)


def _near(found: Similarity, source: Tensor, target: Tensor, tolerance: float) -> Tensor:
    return (found.points(source) - target).norm(dim=1) <= tolerance
