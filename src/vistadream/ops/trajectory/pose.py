"""What every camera path is made of: poses, and how far the scene lets a camera wander."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, View


def look_at(position: Float[Tensor, "3"], target: Float[Tensor, "3"], down: Float[Tensor, "3"]) -> Float[Tensor, "4 4"]:
    """cam_from_world of a camera at `position` that looks at `target`; `down` is the world's down direction."""
    normalize = torch.nn.functional.normalize
    forward = normalize(target - position, dim=0)
    right = normalize(torch.linalg.cross(down, forward), dim=0)
    return rigid(torch.stack([right, torch.linalg.cross(forward, right), forward]), position)


def rigid(R: Float[Tensor, "3 3"], position: Float[Tensor, "3"]) -> Float[Tensor, "4 4"]:
    """cam_from_world of a camera at `position` whose axes are the rows of R."""
    pose = torch.eye(4, dtype=position.dtype)
    pose[:3, :3] = R
    pose[:3, 3] = -R @ position
    return pose


def turned(yaw_rad: float, pitch_rad: float) -> Float[Tensor, "3 3"]:
    """Axes (as rows) of an upright camera turned to the right by the yaw, then down by the pitch."""
    yaw, pitch = torch.tensor(float(yaw_rad)), torch.tensor(float(pitch_rad))
    right = torch.stack([yaw.cos(), torch.zeros(()), -yaw.sin()])
    level = torch.stack([yaw.sin(), torch.zeros(()), yaw.cos()])
    forward = level * pitch.cos() + torch.stack([torch.zeros(()), pitch.sin(), torch.zeros(())])
    return torch.stack([right, torch.linalg.cross(forward, right), forward])


def placed(view: View, poses: list[Float[Tensor, "4 4"]]) -> list[Camera]:
    """Cameras with the View's lens at poses that are given in the View's own camera axes."""
    return [view.camera.at(pose @ view.camera.cam_from_world) for pose in poses]


def aimed(view: View, offsets: Float[Tensor, "n 3"], target_z: float) -> list[Camera]:
    """Cameras at `offsets` (in the View's camera axes) that all look at the point `target_z` ahead of the View."""
    down, target = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, target_z])
    return placed(view, [look_at(offset, target, down) for offset in offsets])


@dataclass(frozen=True)
class Reach:
    """How far a camera may wander, from robust percentiles of a View's depth."""

    near_z: float
    """5th percentile."""
    focus_z: float
    """Harmonic mean of the 5th and 50th percentiles: what the eye rests on, even when the background is far."""


def reach_of(view: View) -> Reach:
    """The reach of a View with depth; ValueError without."""
    if view.z is None:
        raise ValueError(f"reach_of: view {view.name!r} has no depth; wanted a View after initialize")
    z = view.z[view.z > 0].flatten()
    near, middle = (float(q) for q in torch.quantile(z[:: max(1, len(z) // 100_000)], torch.tensor([0.05, 0.5])))
    return Reach(near, 2 / (1 / near + 1 / middle))


def check_knobs(path: object, **ranges: tuple[float, float]) -> None:
    """ValueError that names the first knob of a path outside its range."""
    for name, (low, high) in ranges.items():
        value = getattr(path, name)
        if not low <= value <= high:
            raise ValueError(f"{type(path).__name__}.{name}: got {value}; wanted {low} to {high}")
