"""The parts of every camera path: poses, and how far a camera may move in a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, View


def look_at(
    position: Float[Tensor, "*n 3"], target: Float[Tensor, "3"], down: Float[Tensor, "3"]
) -> Float[Tensor, "*n 4 4"]:
    """cam_from_world of cameras at `position` that look at `target`; `down` is the world's down direction."""
    normalize = torch.nn.functional.normalize
    forward = normalize(target - position, dim=-1)
    right = normalize(torch.linalg.cross(down.expand_as(forward), forward), dim=-1)
    return rigid(torch.stack([right, torch.linalg.cross(forward, right), forward], dim=-2), position)


def rigid(R: Float[Tensor, "*n 3 3"], position: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 4 4"]:
    """cam_from_world of cameras at `position` whose axes are the rows of R."""
    pose = torch.eye(4, dtype=position.dtype, device=position.device).repeat(*position.shape[:-1], 1, 1)
    pose[..., :3, :3] = R
    pose[..., :3, 3] = -(R @ position[..., None])[..., 0]
    return pose


def turned(yaw_rad: Float[Tensor, "*n"], pitch_rad: Float[Tensor, "*n"]) -> Float[Tensor, "*n 3 3"]:
    """Axes (as rows) of level cameras that are turned to the right by the yaw, then down by the pitch."""
    zero = torch.zeros_like(yaw_rad)
    right = torch.stack([yaw_rad.cos(), zero, -yaw_rad.sin()], dim=-1)
    ahead = torch.stack([yaw_rad.sin() * pitch_rad.cos(), pitch_rad.sin(), yaw_rad.cos() * pitch_rad.cos()], dim=-1)
    return torch.stack([right, torch.linalg.cross(ahead, right), ahead], dim=-2)


def placed(view: View, poses: Float[Tensor, "n 4 4"]) -> list[Camera]:
    """Cameras with the View's intrinsics at poses that are given in the View's camera axes."""
    return [view.camera.at(pose) for pose in poses @ view.camera.cam_from_world]


def aimed(view: View, offsets: Float[Tensor, "n 3"], target_z: float) -> list[Camera]:
    """Cameras at `offsets` (in the View's camera axes) that all look at the point `target_z` ahead of the View."""
    return placed(view, look_at(offsets, torch.tensor([0.0, 0.0, target_z]), torch.tensor([0.0, 1.0, 0.0])))


def centers_of(cameras: Sequence[Camera]) -> Float[Tensor, "n 3"]:
    """The positions of the cameras in the world."""
    poses = torch.stack([camera.cam_from_world for camera in cameras])
    return -(poses[:, :3, :3].mT @ poses[:, :3, 3:])[..., 0]


@dataclass(frozen=True)
class Reach:
    """How far a camera may move, from robust percentiles of a View's depth."""

    near_z: float
    """The 5th percentile of depth."""
    focus_z: float
    """Harmonic mean of the 5th and 50th percentiles: the depth of the main subject, even if the background is far."""


def reach_of(view: View) -> Reach:
    """The reach of a View; ValueError when it has no depth."""
    z = view.depth[view.depth > 0].flatten()
    near, middle = torch.quantile(z[:: max(1, len(z) // 100_000)], z.new_tensor([0.05, 0.5])).tolist()
    return Reach(near, 2 / (1 / near + 1 / middle))
