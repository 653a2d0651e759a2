"""Which photos a photo is matched with, and how far its surfaces are, by the points that the photos share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from vistadream.core import SparsePoints, View

USEFUL_DEG = (5.0, 20.0)
"""Angles between the rays of two photos to a point: smaller ones fix no depth, larger ones change how it looks."""
QUANTILES, MARGIN = (0.005, 0.995), (0.8, 1.3)
"""The range of depth: these quantiles of the depths of the points that a photo sees, times these factors."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """What several Views have in common."""

    angles: Mapping[tuple[int, int], Float[ndarray, "_"]]
    """For two Views, by their numbers in either order, the angles in degrees between their rays to shared points."""
    z: tuple[Float[ndarray, "_"], ...]
    """For each View the depths of the points that it sees."""

    @staticmethod
    def of(views: Sequence[View], points: SparsePoints) -> Overlap:
        """The overlap of Views by the points that they were recognized to see."""
        xyz = points.xyz.detach().cpu().double()
        seen = np.zeros((len(views), len(xyz)), bool)
        z = []
        for row, view in zip(seen, views, strict=True):
            row[points.seen_by(view.name)[0].cpu().numpy()] = True
            pose = view.camera.cam_from_world.detach().cpu().double()
            depths = (xyz @ pose[2, :3] + pose[2, 3]).numpy()
            row &= depths > 0
            z.append(depths[row])
        return Overlap(_shared_angles(xyz.numpy(), views, seen), tuple(z))

    def neighbors(self, view: int, count: int) -> list[int]:
        """The numbers of the best neighbors of a View, at most `count`, the best first."""
        gain = {j: float(_usefulness(angles).sum()) for (i, j), angles in self.angles.items() if i == view}
        return sorted(gain, key=lambda j: (-gain[j], j))[:count]

    def z_range(self, view: int) -> tuple[float, float]:
        """The nearest and the farthest depth at which to look for surfaces of a View that sees points."""
        near, far = np.quantile(self.z[view], QUANTILES)
        return MARGIN[0] * float(near), MARGIN[1] * float(far)

    def parallax_deg(self) -> float:
        """The median over all Views of the median angle to their best neighbor; 0 when none has a neighbor."""
        best = [(i, found[0]) for i in range(len(self.z)) if (found := self.neighbors(i, 1))]
        return float(np.median([np.median(self.angles[pair]) for pair in best])) if best else 0.0


def _shared_angles(
    xyz: Float[ndarray, "n 3"], views: Sequence[View], seen: Bool[ndarray, "v n"]
) -> dict[tuple[int, int], Float[ndarray, "_"]]:
    rays = [xyz - view.camera.center.detach().cpu().double().numpy() for view in views]
    rays = [ray / np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-12) for ray in rays]
    angles = {}
    for i in range(len(views)):
        for j in range(i):
            if len(shared := np.flatnonzero(seen[i] & seen[j])):
                cosine = (rays[i][shared] * rays[j][shared]).sum(-1).clip(-1, 1)
                angles[i, j] = angles[j, i] = np.degrees(np.arccos(cosine))
    return angles


def _usefulness(angles_deg: Float[ndarray, "k"]) -> Float[ndarray, "k"]:
    """1 for angles within USEFUL_DEG, falling to 0 below and above."""
    low, high = USEFUL_DEG
    return np.minimum(angles_deg / low, 1) * (high / np.maximum(angles_deg, high)) ** 2
