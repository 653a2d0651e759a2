"""A smooth path through keyframes, or through the poses of the photos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Scene, UserError
from vistadream.core.knobs import require
from vistadream.ops.camera_path.pose import reach_of, rigid, turned
from vistadream.ops.camera_path.spline import even_knots, through


@dataclass(frozen=True)
class Interpolate:
    """Moves through every keyframe in order, smoothly and at about constant speed."""

    keyframes: Sequence[Sequence[float]] | None
    """Rows [right, down, forward, yaw, pitch] relative to the photo's pose: shares of the focus distance, then degrees
    to the right and down. None: the poses of the photos."""

    def __post_init__(self) -> None:
        if self.keyframes is None:
            return
        require(self, "keyframes", len(self.keyframes) >= 2, "two or more keyframes, or null")
        for i, row in enumerate(self.keyframes):
            if len(row) != 5 or not all(map(math.isfinite, row)) or abs(row[4]) > 89:
                raise ValueError(
                    f"Interpolate.keyframes[{i}]: got {list(row)}; wanted [right, down, forward, yaw, pitch] with a "
                    "pitch of -89 to 89 degrees"
                )

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first and the last camera are the first and the last keyframe."""
        view = scene.anchor
        poses = self._given(scene) if self.keyframes is not None else _photographed(scene)
        path = through(poses, even_knots(poses, reach_of(view).focus_z), n)
        return [view.camera.at(pose) for pose in path]

    def scaled(self, factor: float, /) -> Interpolate:
        if self.keyframes is None:
            return self
        return replace(self, keyframes=[[value * factor for value in row] for row in self.keyframes])

    def _given(self, scene: Scene) -> Float[Tensor, "k 4 4"]:
        view = scene.anchor
        focus_z = reach_of(view).focus_z
        rows = torch.tensor(self.keyframes, dtype=torch.float32)
        axes = turned(torch.deg2rad(rows[:, 3]), torch.deg2rad(rows[:, 4]))
        return rigid(axes, focus_z * rows[:, :3]) @ view.camera.cam_from_world


def _photographed(scene: Scene) -> Float[Tensor, "k 4 4"]:
    """The poses of the photos."""
    poses = [photo.camera.cam_from_world for photo in scene.photos]
    if len(poses) < 2:
        raise UserError(
            "trajectory.keyframes=null moves through the poses of the photos, and this scene has one; wanted two or "
            "more: give keyframes"
        )
    return torch.stack(poses)
