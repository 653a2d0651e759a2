"""What registration finds out about several photos: where each camera stood, and points that several of them see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vistadream.core.camera import Camera
from vistadream.core.messages import Note


@dataclass(frozen=True, eq=False)
class SparsePoints:
    """Points of the scene that were recognized in several Views, and where each View sees them."""

    xyz: Float[Tensor, "n 3"]
    """World coordinates."""
    rgb: Float[Tensor, "n 3"]
    """sRGB colors in [0, 1]."""
    error_px: Float[Tensor, "n"]
    """Mean reprojection error of each point, in pixels of its Views."""
    views: tuple[str, ...]
    """The names of the Views that see points."""
    point_of: Int64[Tensor, "m"]
    """The point of each observation, as an index into `xyz`."""
    view_of: Int64[Tensor, "m"]
    """The View of each observation, as an index into `views`."""
    px: Float[Tensor, "m 2"]
    """Where the View of each observation sees its point, in pixels; the first pixel's center is at (0.5, 0.5)."""

    def __post_init__(self) -> None:
        for name, count in (("point_of", len(self.xyz)), ("view_of", len(self.views))):
            index = getattr(self, name)
            if len(index) and (int(index.min()) < 0 or int(index.max()) >= count):
                raise ValueError(f"SparsePoints.{name}: holds an index outside of 0 to {count - 1}; wanted one inside")

    @staticmethod
    def empty() -> SparsePoints:
        """No points."""
        none = torch.zeros(0, dtype=torch.int64)
        return SparsePoints(torch.zeros(0, 3), torch.zeros(0, 3), torch.zeros(0), (), none, none, torch.zeros(0, 2))

    def __len__(self) -> int:
        return len(self.xyz)

    def seen_by(self, view: str) -> tuple[Int64[Tensor, "k"], Float[Tensor, "k 2"]]:
        """The points that a View sees, as indices into `xyz`, and their pixels; none for an unknown View."""
        if view not in self.views:
            return self.point_of[:0], self.px[:0]
        mine = self.view_of == self.views.index(view)
        return self.point_of[mine], self.px[mine]


@dataclass(frozen=True, eq=False)
class Registration:
    """The result of a PoseEstimator."""

    cameras: Mapping[str, Camera]
    """The camera of each View that was registered, by the View's name, in one world; Views without one are missing."""
    points: SparsePoints
    """Points in the same world."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What was measured, as data for JSON, such as {"reprojection_error_px": 0.6}."""
    remarks: tuple[Note, ...] = ()
    """What people should know about the result."""
    keeps_unit: bool = False
    """True when the cameras have the unit of the poses that the Views brought."""
