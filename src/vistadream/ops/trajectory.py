"""Camera paths around a photograph, as pure functions of its depth."""

from __future__ import annotations

import math
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
    R = torch.stack([right, torch.linalg.cross(forward, right), forward])
    pose = torch.eye(4, dtype=position.dtype)
    pose[:3, :3] = R
    pose[:3, 3] = -R @ position
    return pose


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


def _follow(view: View, offsets: Float[Tensor, "n 3"], target_z: float) -> list[Camera]:
    """Cameras at `offsets` (in the View's camera axes) that all look at the point `target_z` ahead of the View."""
    down, target = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, target_z])
    return [view.camera.at(look_at(o, target, down) @ view.camera.cam_from_world) for o in offsets]


@dataclass(frozen=True)
class Spiral:
    """`turns` full turns that grow out of the photo's pose and shrink back, drifting in and out of the scene."""

    radius: float
    """Sideways reach as a share of the focus distance."""
    height: float
    """Up and down reach as a share of the sideways one."""
    depth: float
    """Forward and backward reach as a share of the nearest depth, so that the path never enters a surface."""
    turns: float

    def __post_init__(self) -> None:
        _check_shares(self, radius=(0, 2), height=(0, 2), depth=(0, 0.8), turns=(0, 50))

    def __call__(self, view: View, n: int) -> list[Camera]:
        """n cameras with the View's lens; the first and the last stand where the View does."""
        reach = reach_of(view)
        t = torch.linspace(0, 1, n)
        theta = 2 * math.pi * self.turns * t
        grow = self.radius * reach.focus_z * torch.sin(math.pi * t)
        x, y = grow * torch.cos(theta), grow * self.height * torch.sin(theta)
        forward = self.depth * reach.near_z * torch.sin(2 * math.pi * t)
        return _follow(view, torch.stack([x, y, forward], dim=-1), reach.focus_z)


@dataclass(frozen=True)
class Swing:
    """From side to side on an arc around what the photo looks at."""

    radius: float
    """Sideways reach as a share of the focus distance."""

    def __post_init__(self) -> None:
        _check_shares(self, radius=(0, 2))

    def __call__(self, view: View, n: int) -> list[Camera]:
        """n cameras with the View's lens; the first and the last stand where the View does."""
        reach = reach_of(view)
        x = self.radius * reach.focus_z * torch.sin(torch.linspace(0, 2 * math.pi, n))
        return _follow(view, torch.stack([x, torch.zeros(n), torch.zeros(n)], dim=-1), reach.focus_z)


def _check_shares(path: object, **ranges: tuple[float, float]) -> None:
    for name, (low, high) in ranges.items():
        value = getattr(path, name)
        if not low <= value <= high:
            raise ValueError(f"{type(path).__name__}.{name}: got {value}; wanted {low} to {high}")
