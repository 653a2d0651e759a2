"""A plan of several photos from above: where each camera stood and looked, and the points that they see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Scene

_SIZE, _MARGIN = 320, 16
_MOST_POINTS = 1500
_OUTLIERS = 0.02
"""Share of the points on each side that the frame of the plan does not need to hold."""
_CAMERA = 13.0
"""Length of the mark of a camera."""
CAPTION = "from above: points, and the cameras with the first one filled, which looks to the top"


def plan(scene: Scene) -> str:
    """The plan as SVG, with the x axis of the first camera to the right and its z axis to the top.

    Empty for a scene without points, and for one photo.
    """
    if scene.points is None or not len(scene.points) or len(scene.photos) < 2:
        return ""
    cameras = [photo.camera for photo in scene.photos]
    ground = scene.points.xyz[:, [0, 2]]
    frame = _Frame.around(ground, torch.stack([camera.center[[0, 2]] for camera in cameras]))
    few = ground[:: math.ceil(len(ground) / _MOST_POINTS)]
    places = [(x, y) for x, y in map(frame.place, few.tolist()) if 0 <= x <= _SIZE and 0 <= y <= _SIZE]
    dots = [f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="1.2"/>' for x, y in places]
    marks = [_mark(camera, frame, i == 0) for i, camera in enumerate(cameras)]
    inside = "".join([*dots, *reversed(marks)])  # the first camera on top
    return f'<svg class="plan" viewBox="0 0 {_SIZE} {_SIZE}" role="img" aria-label="{CAPTION}">{inside}</svg>'


class _Frame(NamedTuple):
    """Maps the ground to the drawing, by one scale on both axes."""

    center: tuple[float, float]
    scale: float
    """Pixels for each unit of the scene."""

    @classmethod
    def around(cls, points: Float[Tensor, "n 2"], cameras: Float[Tensor, "v 2"]) -> _Frame:
        """The frame that holds all cameras, and the points without outliers."""
        ends = torch.quantile(points.double(), torch.tensor([_OUTLIERS, 1 - _OUTLIERS]).double(), dim=0)
        held = torch.cat([ends, cameras.double()])
        low, high = held.amin(0), held.amax(0)
        side = max(float((high - low).max()), 1e-9)
        return cls(tuple(((low + high) / 2).tolist()), (_SIZE - 2 * _MARGIN) / side)

    def place(self, at: Sequence[float]) -> tuple[float, float]:
        x, z = at
        return (
            _SIZE / 2 + (x - self.center[0]) * self.scale,
            _SIZE / 2 - (z - self.center[1]) * self.scale,
        )


def _mark(camera: Camera, frame: _Frame, is_first: bool) -> str:
    """A triangle with its tip at the camera, open in the direction in which it looks."""
    x, y = frame.place(camera.center[[0, 2]].tolist())
    forward = camera.world_from_cam[:3, 2].tolist()
    turn = math.atan2(-forward[2], forward[0])  # the y axis of the drawing points down
    half = math.atan(camera.width / 2 / camera.fx)
    sides = [(x + _CAMERA * math.cos(turn + a), y + _CAMERA * math.sin(turn + a)) for a in (-half, half)]
    corners = " ".join(f"{u:.1f},{v:.1f}" for u, v in [(x, y), *sides])
    return f'<polygon class="camera{" first" if is_first else ""}" points="{corners}"/>'
