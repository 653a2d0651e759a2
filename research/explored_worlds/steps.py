"""Where a world is looked at from: away from the photo's place in eight directions, and turned at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from train_embedded_depth.world import turn

from vistadream.ops.camera_path.pose import look_at
from vistadream.ops.evaluation.reach import DIRECTIONS

DISTANCES = (0.1, 0.2, 0.35, 0.5, 0.75)
"""As shares of the focus distance of the photo."""
TURNS_DEG = (-45.0, -30.0, -15.0, 15.0, 30.0, 45.0)
"""About the vertical axis of the photo's camera; positive is to the right."""


@dataclass(frozen=True, eq=False)
class Step:
    """One camera. The photo's camera is at the origin."""

    direction: str
    """A name of DIRECTIONS, or "turn"."""
    amount: float
    """Distance as a share of the focus distance, or the angle in degrees."""
    cam_from_photo: Float[Tensor, "4 4"]


def steps(focus_z: float) -> Iterator[Step]:
    """All steps of a photo whose focus distance is `focus_z`. Who moves keeps looking at the focus, as in an orbit."""
    target, down = torch.tensor([0.0, 0.0, focus_z]), torch.tensor([0.0, 1.0, 0.0])
    for direction, unit in DIRECTIONS.items():
        offsets = torch.tensor(unit) * torch.tensor(DISTANCES)[:, None] * focus_z
        for amount, pose in zip(DISTANCES, look_at(offsets, target, down), strict=True):
            yield Step(direction, amount, pose)
    for angle_deg in TURNS_DEG:
        pose = torch.eye(4)
        pose[:3, :3] = torch.from_numpy(turn(-np.radians(angle_deg))).float()
        yield Step("turn", angle_deg, pose)
