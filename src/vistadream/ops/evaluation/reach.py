"""How far a camera may go from the photo's place before a scene shows holes and stretched surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from vistadream.core import Camera, Gaussians, Renderer, Scene, SceneReach, View
from vistadream.ops.camera_path.pose import aimed, placed, reach_of, rigid, turned
from vistadream.ops.gaussians.size_px import fitted_sizes_px, sizes_px
from vistadream.ops.holes.preview import clustered, shrunk

_DIAGONAL = 0.5**0.5
DIRECTIONS = {
    "right": (1.0, 0.0, 0.0),
    "left": (-1.0, 0.0, 0.0),
    "up": (0.0, -1.0, 0.0),
    "down": (0.0, 1.0, 0.0),
    "forward": (0.0, 0.0, 1.0),
    "backward": (0.0, 0.0, -1.0),
    "forward right": (_DIAGONAL, 0.0, _DIAGONAL),
    "forward left": (-_DIAGONAL, 0.0, _DIAGONAL),
}
"""Unit vectors in the photo's camera axes: x right, y down, z ahead."""
TURNS = {"right": (1.0, 0.0), "left": (-1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}
"""Yaw and pitch of a turn by a unit angle."""
DISTANCES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.75, 0.9, 1.0)
"""As shares of the focus distance."""
ANGLES_DEG = (2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0)
FAULTY = 0.006
"""A picture holds where its holes, and its stretched pixels, are less than this share of its pixels.

Thin holes close in small pictures: they have six tenths of the holes of large ones, so that this is 1 % of a large
one."""
STRETCH = 3.0
"""A Gaussian that is seen at more than this many times the size at which it was fitted is stretched."""
_LONG_SIDE_PX = 160


@dataclass(frozen=True)
class Faults:
    """Shares of the pixels of a picture."""

    holes: float
    """Alpha is below one half."""
    stretched: float
    """Most of the color comes from stretched Gaussians."""

    @property
    def hold(self) -> bool:
        """Whether the picture still holds."""
        return max(self.holes, self.stretched) < FAULTY


class Examined:
    """A scene that is looked at from other places, at low resolution."""

    def __init__(self, gaussians: Gaussians, views: Sequence[View], renderer: Renderer, home: Camera):
        """`views`: those of the scene; `home`: the camera of the photo, whose size the pictures have."""
        self._shrink = shrunk([home], _LONG_SIDE_PX)[0].width / home.width
        self._gaussians = clustered(gaussians, home.center, 1 / (self._shrink * home.fx))
        self._fitted_px = fitted_sizes_px(self._gaussians, views)
        self._renderer = renderer

    @torch.no_grad()
    def __call__(self, camera: Camera) -> Faults:
        """What is wrong in the picture of a camera."""
        stretched = sizes_px(self._gaussians, camera) > STRETCH * self._fitted_px
        small = shrunk([camera], _LONG_SIDE_PX)
        seen = self._renderer(self._gaussians, small, want=("alpha",), extra=stretched.float()[:, None])[0]
        hole, share = seen.require("alpha") < 0.5, seen.require("extra")[..., 0]
        coarse = (share > 0.5 * seen.require("alpha")) & ~hole
        holes, stretched_share = torch.stack([hole, coarse]).float().mean((1, 2)).tolist()
        return Faults(holes, stretched_share)


def measure_reach(scene: Scene, renderer: Renderer) -> SceneReach:
    """The reach of a scene, judged from the scene alone. ValueError when its photo has no depth."""
    photo = scene.anchor
    focus_z = reach_of(photo).focus_z
    examined = Examined(scene.gaussians, scene.views, renderer, photo.camera)

    def moves(way: Sequence[float]) -> list[Camera]:
        return aimed(photo, focus_z * torch.tensor(DISTANCES)[:, None] * torch.tensor(way), focus_z)

    def turns(way: Sequence[float]) -> list[Camera]:
        yaw, pitch = torch.deg2rad(torch.tensor(ANGLES_DEG)) * torch.tensor(way)[:, None]
        return placed(photo, rigid(turned(yaw, pitch), torch.zeros(len(yaw), 3)))

    return SceneReach(
        {name: _until_a_fault(examined, moves(way), DISTANCES) for name, way in DIRECTIONS.items()},
        {name: _until_a_fault(examined, turns(way), ANGLES_DEG) for name, way in TURNS.items()},
    )


def _until_a_fault(examined: Examined, cameras: Sequence[Camera], amounts: Sequence[float]) -> float:
    """The last amount before the first picture that does not hold; 0 where none does."""
    reached = 0.0
    for camera, amount in zip(cameras, amounts, strict=True):
        if not examined(camera).hold:
            break
        reached = amount
    return reached
