"""The space that a photo certifies to be free: what lies before every surface that it sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vistadream.core import Camera, Scene, View
from vistadream.ops.camera_path.pose import reach_of
from vistadream.ops.depth.normals import normals_from_depth

MARGIN = 0.1
"""Clearance as a share of depth: before what is seen behind a position, and of the nearest depth on all sides."""
_GRID_PX = 64
"""Long side of the depth maps that positions are held against."""
_RIM_PX = 4
"""A piece of rim is all within so many pixels of such a map."""


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """Whether a position keeps clear of every surface, seen or continued beyond the photo."""

    canvas: Seen
    """The widest picture from the photo's position."""
    photo: Seen
    rim: Rim
    radius: float
    """No surface may come nearer to a position than this."""

    @staticmethod
    def of(scene: Scene) -> FreeSpace:
        """As seen from where the photo stands; later views do not count, so that the space stays the same."""
        view = scene.anchor
        photo = Seen.by(view)
        canvas = Seen.by(scene.canvas_of(view))
        nearest = float((canvas.points - view.camera.center).norm(dim=-1).min())
        radius = min(MARGIN * reach_of(view).near_z, nearest / 2)
        return FreeSpace(canvas, photo, Rim.of(photo, radius), radius)

    def contains(self, centers: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
        """Positions in the world that keep clear."""
        apart = torch.cdist(centers, self.canvas.points).min(dim=1).values >= self.radius
        in_canvas, before = self.canvas.before(centers)
        in_photo, _ = self.photo.before(centers)
        return apart & (before | ~in_canvas) & (in_photo | self.rim.contains(centers))


@dataclass(frozen=True, eq=False)
class Seen:
    """A view's depth, coarsely: each pixel holds the nearest depth of its block."""

    camera: Camera
    z: Float[Tensor, "h w"]
    points: Float[Tensor, "m 3"]
    """Its pixels in the world."""

    @staticmethod
    def by(view: View) -> Seen:
        """Of a view with depth; where that is unknown it counts as the farthest."""
        step = max(1, math.ceil(max(view.camera.width, view.camera.height) / _GRID_PX))
        depth = torch.where(view.z > 0, view.z, float(view.z.max()))
        z = -F.max_pool2d(-depth[None], step, ceil_mode=True)[0]
        h, w = z.shape
        camera = view.camera.crop(0, 0, w * step, h * step).resize(w, h)
        return Seen(camera, z, camera.unproject(z).reshape(-1, 3))

    def before(self, centers: Float[Tensor, "n 3"]) -> tuple[Bool[Tensor, "n"], Bool[Tensor, "n"]]:
        """Positions that fall into the picture, and those of them before all that is seen in the pixels around."""
        near = -F.max_pool2d(-self.z[None], 3, 1, 1)[0]
        uv, z = self.camera.project(centers)
        inside = (z > 0) & ((uv >= 0) & (uv < torch.tensor([self.camera.width, self.camera.height]))).all(dim=-1)
        column, row = torch.where(inside[:, None], uv, 0.0).long().unbind(-1)
        return inside, inside & (z < (1 - MARGIN) * near[row, column])


@dataclass(frozen=True, eq=False)
class Rim:
    """The surfaces that a picture's rim cuts off, continued along their tangent planes.

    The walls of a corridor go on beside the camera although it does not see them there.
    """

    camera: Camera
    normals: Float[Tensor, "h w 3"]
    """Of every pixel in camera axes, facing the camera."""
    room: Float[Tensor, "h w"]
    """From the camera's position to the plane of every pixel; infinite where there is none."""
    radius: float
    """How far from a plane a position has to stay."""

    @staticmethod
    def of(seen: Seen, radius: float) -> Rim:
        normals, known = normals_from_depth(seen.camera, seen.z, torch.ones_like(seen.z, dtype=torch.bool))
        room = -(normals * seen.camera.rays()).sum(-1) * seen.z
        return Rim(seen.camera, normals, torch.where(known, room, torch.inf), radius)

    def contains(self, centers: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
        """Positions before four fifths of the planes of the piece of rim through which the way to them goes."""
        pose = self.camera.cam_from_world
        p = centers @ pose[:3, :3].T + pose[:3, 3]
        row, column = self._piece(p)
        room = self.room[row, column]
        left = (self.normals[row, column] * p[:, None, None]).sum(-1) + room
        return (left >= torch.clamp(room / 2, max=self.radius)).float().mean(dim=(1, 2)) >= 0.8

    def _piece(self, p: Float[Tensor, "n 3"]) -> tuple[Int[Tensor, "n k 1"], Int[Tensor, "n 1 k"]]:
        """Rows and columns around where the way from the principal point to each position leaves the picture."""
        c = self.camera
        middle = torch.tensor([c.cx, c.cy])
        way = p[:, :2] * torch.tensor([c.fx, c.fy])
        until = torch.where(way > 0, torch.tensor([c.width, c.height]) - middle, middle)
        exit_px = middle + way * (until / way.abs().clamp(min=1e-9)).min(dim=1, keepdim=True).values
        window = torch.arange(-_RIM_PX, _RIM_PX + 1)
        column, row = (exit_px[:, i, None].long() + window for i in (0, 1))
        return row.clamp(0, c.height - 1)[:, :, None], column.clamp(0, c.width - 1)[:, None, :]
