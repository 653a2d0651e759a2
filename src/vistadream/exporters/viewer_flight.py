"""The flight of a scene as settings of SuperSplat's viewer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from vistadream.core import Camera
from vistadream.exporters.viewer_settings import viewer_settings

MOST_CAMERAS = 24
"""The flight goes through this many cameras of a camera path at most."""


def flight_settings(flight: Sequence[Camera], focus_z: float) -> dict[str, Any]:
    """The settings of a viewer that flies through these cameras, each of which looks at the point `focus_z` ahead."""
    start, turned = flight[0], torch.tensor([-1.0, -1.0, 1.0])
    positions = torch.stack([turned * camera.center for camera in flight])
    targets = positions + torch.stack([turned * focus_z * camera.world_from_cam[:3, 2] for camera in flight])
    half_extent = max(start.width / start.fx, start.height / start.fy) / 2
    return viewer_settings(positions.tolist(), targets.tolist(), half_extent)


def flight_of(photo: Camera, cameras: Sequence[Camera]) -> list[Camera]:
    """The photo's camera, and cameras of a path that are few enough for the viewer."""
    return [photo, *cameras[:: math.ceil(len(cameras) / MOST_CAMERAS)]] if cameras else [photo]
