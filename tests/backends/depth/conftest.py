"""Pictures of box rooms whose depth is known by ray casting."""

import math
from collections.abc import Callable

import pytest
import torch

from vistadream.core import Camera


def room_from_cam(pitch_deg: float, yaw_deg: float) -> torch.Tensor:
    p, y = math.radians(pitch_deg), math.radians(yaw_deg)
    pitched = torch.tensor([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    yawed = torch.tensor([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    return yawed @ pitched


@pytest.fixture(scope="session")
def render_room() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """Renders a tiled box room, meters from its walls left/right, below and ahead of a camera: colors and z."""

    def render(camera: Camera, pitch_deg: float, yaw_deg: float, size_m=(2.0, 1.5, 3.5), ceiling_m=1.1):
        rays = camera.rays() @ room_from_cam(pitch_deg, yaw_deg).T
        low = torch.tensor([-size_m[0], -ceiling_m, -2.0])
        high = torch.tensor(size_m)
        t, axis = torch.where(rays > 0, high / rays, low / rays).min(dim=-1)
        points = rays * t[..., None]
        tiles = ((points / 0.5).floor() % 2).sum(-1) - torch.take_along_dim(
            (points / 0.5).floor() % 2, axis[..., None], -1
        )[..., 0]
        face = 0.35 + 0.15 * axis + 0.08 * (points[..., 1] > 0)
        gray = face + 0.12 * (tiles % 2)
        return (gray[..., None] * torch.tensor([1.0, 0.95, 0.85])).clamp(0, 1), t

    return render
