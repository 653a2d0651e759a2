"""The named camera paths, in the camera axes of the photo (x right, y down, z forward) and relative to its depth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from vistadream.core import Camera, Scene
from vistadream.core.knobs import check_ranges
from vistadream.ops.camera_path.pose import aimed, placed, reach_of, rigid, turned

_RADIUS, _HEIGHT, _DEPTH, _DEGREES = (0.0, 2.0), (0.0, 2.0), (0.0, 0.8), (-360.0, 360.0)
_YAW_DEG, _PITCH_DEG, _FORWARD, _BACKWARD = (0.0, 180.0), (0.0, 89.0), (0.0, 0.95), (0.0, 2.0)


_Path = TypeVar("_Path", "Spiral", "Wobble", "Swing", "Orbit", "Rotate", "Dolly")


def _scaled(path: _Path, factor: float, **limits: tuple[float, float]) -> _Path:
    """The path with each named knob multiplied by the factor, within its limits."""
    scaled = {name: min(max(factor * getattr(path, name), low), high) for name, (low, high) in limits.items()}
    return replace(path, **scaled)


@dataclass(frozen=True)
class Spiral:
    """A spiral that starts and ends at the photo's pose, and also moves forward and backward."""

    radius: float
    """Largest sideways distance as a share of the focus distance."""
    height: float
    """Vertical radius as a share of the sideways one."""
    depth: float
    """Largest forward and backward distance as a share of the near depth."""
    turns: float
    """Number of full turns."""

    def __post_init__(self) -> None:
        check_ranges(self, radius=_RADIUS, height=_HEIGHT, depth=_DEPTH, turns=(0, 50))

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first and the last camera are at the photo's pose."""
        view = scene.anchor
        reach = reach_of(view)
        t = torch.linspace(0, 1, n)
        theta = 2 * math.pi * self.turns * t
        grow = self.radius * reach.focus_z * torch.sin(math.pi * t)
        forward = self.depth * reach.near_z * torch.sin(2 * math.pi * t)
        x, y = grow * torch.cos(theta), grow * self.height * torch.sin(theta)
        return aimed(view, torch.stack([x, y, forward], dim=-1), reach.focus_z)

    def scaled(self, factor: float, /) -> Spiral:
        return _scaled(self, factor, radius=_RADIUS, depth=_DEPTH)


@dataclass(frozen=True)
class Wobble:
    """One small ellipse around the photo's pose, in the plane of the picture."""

    radius: float
    """Sideways radius as a share of the focus distance."""
    height: float
    """Vertical radius as a share of the sideways one."""

    def __post_init__(self) -> None:
        check_ranges(self, radius=_RADIUS, height=_HEIGHT)

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first and the last camera are at the right end of the ellipse."""
        view = scene.anchor
        focus_z = reach_of(view).focus_z
        theta, radius = torch.linspace(0, 2 * math.pi, n), self.radius * focus_z
        x, y = radius * torch.cos(theta), radius * self.height * torch.sin(theta)
        return aimed(view, torch.stack([x, y, torch.zeros(n)], dim=-1), focus_z)

    def scaled(self, factor: float, /) -> Wobble:
        return _scaled(self, factor, radius=_RADIUS)


@dataclass(frozen=True)
class Swing:
    """To one side, through the photo's pose to the other, and back, on a line perpendicular to the optical axis."""

    radius: float
    """Largest sideways distance as a share of the focus distance."""

    def __post_init__(self) -> None:
        check_ranges(self, radius=_RADIUS)

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first and the last camera are at the photo's pose."""
        view = scene.anchor
        focus_z = reach_of(view).focus_z
        x = self.radius * focus_z * torch.sin(torch.linspace(0, 2 * math.pi, n))
        return aimed(view, torch.stack([x, torch.zeros(n), torch.zeros(n)], dim=-1), focus_z)

    def scaled(self, factor: float, /) -> Swing:
        return _scaled(self, factor, radius=_RADIUS)


@dataclass(frozen=True)
class Orbit:
    """A horizontal circle around the focus at the photo's distance from it, from left to right."""

    degrees: float
    """The length of the arc, whose middle is the photo's pose; 360 is the whole circle."""

    def __post_init__(self) -> None:
        check_ranges(self, degrees=_DEGREES)

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first camera is half the degrees to the left of the photo, the last half of them to the right."""
        view = scene.anchor
        focus_z = reach_of(view).focus_z
        angle = math.radians(self.degrees) * torch.linspace(-0.5, 0.5, n)
        x, z = focus_z * torch.sin(angle), focus_z * (1 - torch.cos(angle))
        return aimed(view, torch.stack([x, torch.zeros(n), z], dim=-1), focus_z)

    def scaled(self, factor: float, /) -> Orbit:
        return _scaled(self, factor, degrees=_DEGREES)


@dataclass(frozen=True)
class Rotate:
    """A rotation at the photo's position: right and left, and twice as often down and up."""

    yaw_deg: float
    """Largest angle to each side."""
    pitch_deg: float
    """Largest angle down and up."""

    def __post_init__(self) -> None:
        check_ranges(self, yaw_deg=_YAW_DEG, pitch_deg=_PITCH_DEG)

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first and the last camera are the photo's."""
        t = torch.linspace(0, 2 * math.pi, n)
        yaw, pitch = math.radians(self.yaw_deg) * torch.sin(t), math.radians(self.pitch_deg) * torch.sin(2 * t)
        return placed(scene.anchor, rigid(turned(yaw, pitch), torch.zeros(n, 3)))

    def scaled(self, factor: float, /) -> Rotate:
        return _scaled(self, factor, yaw_deg=_YAW_DEG, pitch_deg=_PITCH_DEG)


@dataclass(frozen=True)
class Dolly:
    """Along the optical axis: forward, back past the photo's pose, and forward to it again."""

    forward: float
    """Largest distance ahead of the photo's pose as a share of the focus distance."""
    backward: float
    """Largest distance behind the photo's pose as a share of the focus distance."""

    def __post_init__(self) -> None:
        check_ranges(self, forward=_FORWARD, backward=_BACKWARD)

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first and the last camera are the photo's; all have the same orientation."""
        view = scene.anchor
        wave = torch.sin(torch.linspace(0, 2 * math.pi, n))
        z = reach_of(view).focus_z * torch.where(wave > 0, self.forward * wave, self.backward * wave)
        return placed(view, rigid(torch.eye(3).expand(n, 3, 3), z[:, None] * torch.tensor([0.0, 0.0, 1.0])))

    def scaled(self, factor: float, /) -> Dolly:
        return _scaled(self, factor, forward=_FORWARD, backward=_BACKWARD)
