"""The space that photos show to be free: everything in front of the surfaces that they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vistadream.core import Camera, Scene, View
from vistadream.ops.camera_path.pose import reach_of
from vistadream.ops.depth.normals import normals_from_depth

MARGIN = 0.1
"""Clearance as a share of depth: of the depth behind a position, and on all sides of the nearest depth."""
_GRID_PX = 64
"""Long side of the coarse depth maps that positions are compared with."""
_MOST_PHOTOS = 16
"""The most photos whose free space is looked at; of more photos, some are left out evenly."""
_RIM_PX = 4
"""Half the size of the window at the picture's border whose planes decide about a position outside the picture."""


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """Tests whether positions are in the free space of a photo, and clear of the surfaces of all photos."""

    photos: Sequence[PhotoSpace]

    @staticmethod
    def of(scene: Scene) -> FreeSpace:
        """The free space seen from the photos' poses. Later views do not count, so that the space stays the same."""
        photos = scene.photos[:: math.ceil(len(scene.photos) / _MOST_PHOTOS)] or (scene.anchor,)
        return FreeSpace([PhotoSpace.of(scene, photo) for photo in photos])

    def contains(self, centers: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
        """Which positions, in world coordinates and on any device, keep clear of all surfaces."""
        centers = centers.to(self.photos[0].canvas.points)
        apart = torch.stack([photo.apart(centers) for photo in self.photos]).all(dim=0)
        return apart & torch.stack([photo.sees_free(centers) for photo in self.photos]).any(dim=0)

    def obstacle(self, place: Float[Tensor, "3"]) -> str:
        """What keeps a camera away from a place that is not free, in words."""
        center = place.to(self.photos[0].canvas.points)[None]
        near = min(float((photo.canvas.points - center).norm(dim=-1).min()) for photo in self.photos)
        if not all(bool(photo.apart(center)) for photo in self.photos):
            return f"a visible surface at a distance of {near:.2g}"
        if any(bool(photo.photo.in_front(center)[0]) for photo in self.photos):
            return "a visible surface in front"
        return "a surface that goes on beyond the border of the picture"


@dataclass(frozen=True, eq=False)
class PhotoSpace:
    """Tests whether positions keep clear of the surfaces of one photo, visible or continued beyond the photo."""

    canvas: CoarseDepth
    """Of the widest picture from the photo's position."""
    photo: CoarseDepth
    rim: Rim
    radius: float
    """The least distance between a position and any visible surface."""

    @staticmethod
    def of(scene: Scene, view: View) -> PhotoSpace:
        """Of one photo of a scene."""
        photo = CoarseDepth.of(view)
        canvas = CoarseDepth.of(scene.canvas_of(view))
        nearest = float((canvas.points - view.camera.center.to(canvas.points)).norm(dim=-1).min())
        radius = min(MARGIN * reach_of(view).near_z, nearest / 2)
        return PhotoSpace(canvas, photo, Rim.of(photo, radius), radius)

    def apart(self, centers: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
        """Which positions, in world coordinates, are at least `radius` away from every visible surface."""
        return torch.cdist(centers, self.canvas.points).min(dim=1).values >= self.radius

    def sees_free(self, centers: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
        """Which positions are in front of the surfaces that the photo shows, or that continue these."""
        in_canvas, in_front = self.canvas.in_front(centers)
        in_photo, _ = self.photo.in_front(centers)
        return (in_front | ~in_canvas) & (in_photo | self.rim.contains(centers))


@dataclass(frozen=True, eq=False)
class CoarseDepth:
    """The depth of a View at low resolution: each pixel holds the smallest depth of its block."""

    camera: Camera
    z: Float[Tensor, "h w"]
    points: Float[Tensor, "m 3"]
    """The pixels unprojected to world points."""

    @staticmethod
    def of(view: View) -> CoarseDepth:
        """Of a View with depth; unknown depth counts as the largest depth of the View."""
        shrink = max(1.0, max(view.camera.width, view.camera.height) / _GRID_PX)
        w, h = round(view.camera.width / shrink), round(view.camera.height / shrink)
        depth = torch.where(view.depth > 0, view.depth, float(view.depth.max()))
        z = -F.adaptive_max_pool2d(-depth[None], (h, w))[0]
        camera = view.camera.resize(w, h)
        return CoarseDepth(camera, z, camera.unproject(z).reshape(-1, 3))

    def in_front(self, centers: Float[Tensor, "n 3"]) -> tuple[Bool[Tensor, "n"], Bool[Tensor, "n"]]:
        """Which positions project into the picture, and which of them are in front of all surfaces around there."""
        near = -F.max_pool2d(-self.z[None], 3, 1, 1)[0]
        inside, row, column, z = self.camera.pixels_of(centers)
        return inside, inside & (z < (1 - MARGIN) * near[row, column])


@dataclass(frozen=True, eq=False)
class Rim:
    """The surfaces that the border of a picture cuts off, continued along their tangent planes.

    For example, the walls of a corridor continue on both sides of the camera, although it does not see them there.
    """

    camera: Camera
    normals: Float[Tensor, "h w 3"]
    """The normal of every pixel in camera axes, facing the camera."""
    distances: Float[Tensor, "h w"]
    """The distance from the camera to the tangent plane of every pixel; infinite where the plane is unknown."""
    radius: float
    """The least distance between a position and a plane."""

    @staticmethod
    def of(depth: CoarseDepth, radius: float) -> Rim:
        normals, known = normals_from_depth(depth.camera, depth.z, torch.ones_like(depth.z, dtype=torch.bool))
        distances = -(normals * depth.camera.rays(depth.z.device)).sum(-1) * depth.z
        return Rim(depth.camera, normals, torch.where(known, distances, torch.inf), radius)

    def contains(self, centers: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
        """Which positions are in front of at least 80 % of the planes in their window of the border (`_window`)."""
        pose = self.camera.cam_from_world.to(centers)
        p = centers @ pose[:3, :3].T + pose[:3, 3]
        row, column = self._window(p)
        distances = self.distances[row, column]
        left = (self.normals[row, column] * p[:, None, None]).sum(-1) + distances
        return (left >= torch.clamp(distances / 2, max=self.radius)).float().mean(dim=(1, 2)) >= 0.8

    def _window(self, p: Float[Tensor, "n 3"]) -> tuple[Int[Tensor, "n k 1"], Int[Tensor, "n 1 k"]]:
        """Rows and columns around the border pixel at which the line from the principal point to a position leaves."""
        c = self.camera
        middle = p.new_tensor([c.cx, c.cy])
        direction = p[:, :2] * p.new_tensor([c.fx, c.fy])
        until = torch.where(direction > 0, p.new_tensor([c.width, c.height]) - middle, middle)
        exit_px = middle + direction * (until / direction.abs().clamp(min=1e-9)).min(dim=1, keepdim=True).values
        window = torch.arange(-_RIM_PX, _RIM_PX + 1, device=p.device)
        column, row = (exit_px[:, i, None].long() + window for i in (0, 1))
        return row.clamp(0, c.height - 1)[:, :, None], column.clamp(0, c.width - 1)[:, None, :]
