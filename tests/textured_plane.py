"""Photos of a textured plane from known cameras, with their exact depth; made by the fixture `textured_plane`."""

import math

import numpy as np
import torch

from vistadream.core import Camera, Scene, SparsePoints, View

SIZE = 96, 72
CENTERS = ((0, 0, 0), (0.25, 0.02, 0.03), (-0.25, 0.05, 0), (0.02, 0.25, -0.04), (0.05, -0.25, 0.02))
"""Camera centers. At a distance of 2 the angles between the rays of two cameras are about 7 degrees."""


class TexturedPlane:
    """Photos of the plane z = distance + slope . (x, y)."""

    def __init__(self, slope: tuple[float, float] = (0.0, 0.0), distance: float = 2.0, count: int = 5):
        self.slope, self.distance = slope, distance
        pairs = [self._photo(f"photo_{i}", _camera(center)) for i, center in enumerate(CENTERS[:count])]
        self.views = tuple(view for view, _ in pairs)
        self.depths = tuple(z for _, z in pairs)

    def scene(self, points: int = 60) -> Scene:
        """The photos, and points at pixels of the first photo, seen by all photos that they fall into."""
        draw, (width, height) = np.random.default_rng(1), SIZE
        row, column = draw.integers(0, height, points), draw.integers(0, width, points)
        xyz = self.views[0].camera.unproject(self.depths[0])[row, column]
        px = torch.stack([view.camera.project(xyz)[0] for view in self.views])
        inside = ((px >= 0) & (px < torch.tensor(SIZE))).all(-1)
        view_of, point_of = inside.nonzero(as_tuple=True)
        names = tuple(view.name for view in self.views)
        seen = SparsePoints(xyz, 0 * xyz, torch.zeros(points), names, point_of, view_of, px[inside])
        return Scene(self.views, points=seen)

    def _photo(self, name: str, camera: Camera) -> tuple[View, torch.Tensor]:
        rays = (camera.rays() @ camera.cam_from_world[:3, :3]).double()
        (cx, cy, cz), (sx, sy) = camera.center.tolist(), self.slope
        z = (self.distance + sx * cx + sy * cy - cz) / (rays[..., 2] - sx * rays[..., 0] - sy * rays[..., 1])
        gray = _texture(cx + rays[..., 0] * z, cy + rays[..., 1] * z).float()
        everything = torch.ones(gray.shape, dtype=torch.bool)
        rgb = gray[..., None].repeat(1, 1, 3)
        return View(name, camera, rgb, None, everything, everything, ~everything), z.float()


def _camera(center: tuple[float, float, float]) -> Camera:
    """A camera that is turned towards the middle, with a principal point off the center."""
    yaw = -math.radians(2) * center[0] / 0.25
    pose = torch.eye(4)
    pose[:3, :3] = torch.tensor([[math.cos(yaw), 0, -math.sin(yaw)], [0, 1, 0], [math.sin(yaw), 0, math.cos(yaw)]])
    pose[:3, 3] = -pose[:3, :3] @ torch.tensor(center, dtype=torch.float32)
    return Camera.from_focal(90.0, *SIZE, principal_px=(47.3, 36.9)).at(pose)


def _texture(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Gray in [0, 1] at points of the plane: waves of many lengths, none shorter than about 4 pixels."""
    draw, total = np.random.default_rng(0), torch.zeros_like(x)
    for _ in range(40):
        angle, length, phase = draw.uniform(0, math.pi), draw.uniform(0.08, 0.5), draw.uniform(0, 2 * math.pi)
        total += torch.sin(2 * math.pi * (math.cos(angle) * x + math.sin(angle) * y) / length + phase)
    return (0.5 + total / 28).clamp(0, 1)
