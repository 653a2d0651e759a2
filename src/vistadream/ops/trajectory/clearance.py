"""No path through geometry: a camera stays in the space that the photo has seen to be free."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, Note, Scene, Trajectory, View
from vistadream.ops.depth import normals_from_depth
from vistadream.ops.trajectory.pose import reach_of

MARGIN = 0.1
"""Clearance as a share of depth: of what is seen behind a camera's position, and of the nearest depth all around."""
_CHECKED = 241
"""Poses at which a path is checked, however many are asked for: every user of a path gets the same factor."""
_GRID_PX = 96
"""Long side of the depth map that is checked against."""
_HALVINGS = 7


@dataclass(frozen=True, eq=False)
class ClearPath:
    """A path and what became of it."""

    cameras: list[Camera]
    factor: float
    """Its extent as a share of what was asked for."""
    blocked: tuple[int, ...]
    """Poses that do not keep clear; only a path that may not be changed has any."""

    @property
    def note(self) -> Note | None:
        """What to tell the user; None when the path is as asked and clear."""
        if self.blocked:
            poses = ", ".join(str(i) for i in self.blocked[:10]) + (", ..." if len(self.blocked) > 10 else "")
            return Note(
                f"the camera path touches or passes surfaces at {len(self.blocked)} of {len(self.cameras)} poses "
                f"({poses}, counted from 0); it is used as given: move these poses into free space",
                "warning",
            )
        if self.factor < 1:
            return Note(f"the camera path is shrunk to {self.factor:.0%} of its extent, to stay clear of surfaces")
        return None


def keep_clear(trajectory: Trajectory, scene: Scene, n: int) -> ClearPath:
    """The path's n cameras, all of it scaled down by one factor until every pose is clear of what the photo sees.

    A path that `scaled` leaves as it is comes back unchanged, with the numbers of the poses that are not clear.
    """
    space = FreeSpace.of(scene)

    def clear(path: Trajectory) -> Bool[Tensor, "k"]:
        return space.contains(torch.stack([camera.center for camera in path(scene, _CHECKED)]))

    inside = clear(trajectory)
    if bool(inside.all()):
        return ClearPath(trajectory(scene, n), 1.0, ())
    if not bool(clear(trajectory.scaled(0.0)).all()):
        hits = torch.nonzero(~inside)[:, 0] / (_CHECKED - 1) * (n - 1)
        return ClearPath(trajectory(scene, n), 1.0, tuple(hits.round().int().unique().tolist()))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if bool(clear(trajectory.scaled(middle)).all()) else (low, middle)
    return ClearPath(trajectory.scaled(low)(scene, n), low, ())


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """The space before the surfaces of a View, coarsely: each cell holds its nearest depth."""

    camera: Camera
    """Of the coarse depth map."""
    z: Float[Tensor, "h w"]
    radius: float
    """No surface comes nearer to a camera than this."""

    @staticmethod
    def of(scene: Scene) -> FreeSpace:
        """What is seen from where the photo stands, by the widest View there that has depth."""
        photo = scene.view("input")
        canvas = max((v for v in scene.views if _stands_with(v, photo)), key=lambda v: v.camera.width)
        step = max(1, math.ceil(max(canvas.camera.width, canvas.camera.height) / _GRID_PX))
        depth = torch.where(canvas.z > 0, canvas.z, torch.inf)
        z = -F.max_pool2d(-depth[None], step, ceil_mode=True)[0]
        h, w = z.shape
        camera = canvas.camera.crop(0, 0, w * step, h * step).resize(w, h)
        z = torch.where(z.isfinite(), z, z[z.isfinite()].max())
        nearest = float((camera.rays() * z[..., None]).norm(dim=-1).min())
        return FreeSpace(camera, z, min(MARGIN * reach_of(photo).near_z, nearest / 2))

    def contains(self, centers: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
        """Positions in the world that keep clear of every surface, seen or continued beyond the picture."""
        pose = self.camera.cam_from_world
        p = centers @ pose[:3, :3].T + pose[:3, 3]
        apart = torch.cdist(p, (self.camera.rays() * self.z[..., None]).reshape(-1, 3)).min(dim=1).values
        uv, ahead = self.camera.project(centers)
        size = torch.tensor([self.camera.width, self.camera.height])
        seen = (ahead > 0) & ((uv >= 0) & (uv < size)).all(dim=-1)
        return (apart >= self.radius) & torch.where(seen, self._before_surface(uv, ahead), self._inside_rim(p))

    def _before_surface(self, uv: Float[Tensor, "n 2"], z: Float[Tensor, "n"]) -> Bool[Tensor, "n"]:
        """Positions in the picture that are nearer than what is seen there and in the cells around."""
        near = -F.max_pool2d(-self.z[None], 3, 1, 1)[0]
        column, row = uv[:, 0].long().clamp(0, near.shape[1] - 1), uv[:, 1].long().clamp(0, near.shape[0] - 1)
        return z < (1 - MARGIN) * near[row, column]

    def _inside_rim(self, p: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
        """Positions beside or behind the picture, before the planes of the surfaces that its rim cuts off.

        A corridor's walls go on beside the camera although it does not see them there: each position is held against
        the tangent planes of the rim around where the way to it leaves the picture.
        """
        normals, known = normals_from_depth(self.camera, self.z, torch.ones_like(self.z, dtype=torch.bool))
        points = self.camera.rays() * self.z[..., None]
        reach = max(2, _GRID_PX // 16)
        result = []
        for position in p:
            row, column = self._exit(position)
            window = (slice(max(0, row - reach), row + reach + 1), slice(max(0, column - reach), column + reach + 1))
            use = known[window]
            n, q = normals[window][use], points[window][use]
            room = -(n * q).sum(-1)
            left = (n * (position - q)).sum(-1)
            slack = left - torch.minimum(torch.tensor(self.radius), room / 2)
            result.append(bool(torch.quantile(slack, 0.2) >= 0))
        return torch.tensor(result)

    def _exit(self, position: Float[Tensor, "3"]) -> tuple[int, int]:
        """Row and column where the way from the picture's principal point towards the position leaves the picture."""
        c = self.camera
        x, y = float(position[0]) * c.fx, float(position[1]) * c.fy
        steps = [((c.width - c.cx) if x > 0 else -c.cx) / x if x else math.inf]
        steps += [((c.height - c.cy) if y > 0 else -c.cy) / y if y else math.inf]
        s = min(steps)
        column, row = (c.cx + s * x, c.cy + s * y) if math.isfinite(s) else (c.cx, c.cy)
        return min(max(int(row), 0), c.height - 1), min(max(int(column), 0), c.width - 1)


def _stands_with(view: View, photo: View) -> bool:
    return view.z is not None and torch.allclose(view.camera.cam_from_world, photo.camera.cam_from_world, atol=1e-6)
