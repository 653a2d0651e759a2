"""No path through geometry: a camera stays in the space that the photo has seen to be free."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from vistadream.core import Camera, Note, Scene, Trajectory
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.camera_path.pose import centers_of

_CHECKED = 121
"""Poses at which a path is checked, however many are asked for: every user of a path gets the same factor."""
_HALVINGS = 6


@dataclass(frozen=True, eq=False)
class ClearPath:
    """A path and what became of it."""

    cameras: list[Camera]
    factor: float
    """Its extent as a share of what was asked for."""
    blocked: tuple[int, ...]
    """Poses that do not keep clear; only a path that may not be changed has any."""

    @property
    def note(self) -> Note | None:
        """What to tell the user; None when the path is as asked and clear."""
        if self.blocked:
            poses = ", ".join(str(i) for i in self.blocked[:10]) + (", ..." if len(self.blocked) > 10 else "")
            return Note(
                f"the camera path touches or passes surfaces at {len(self.blocked)} of {len(self.cameras)} poses "
                f"({poses}, counted from 0); it is used as given: move these poses into free space",
                "warning",
            )
        if self.factor < 1:
            return Note(f"the camera path is shrunk to {self.factor:.0%} of its extent, to stay clear of surfaces")
        return None


def keep_clear(trajectory: Trajectory, scene: Scene, n: int) -> ClearPath:
    """The path's n cameras, all of it scaled down by one factor until every pose is clear of what the photo sees.

    A path that `scaled` leaves as it is comes back unchanged, with the numbers of the poses that are not clear.
    """
    space = FreeSpace.of(scene)

    def clear(path: Trajectory) -> Bool[Tensor, "k"]:
        return space.contains(centers_of(path(scene, _CHECKED)))

    inside = clear(trajectory)
    if bool(inside.all()):
        return ClearPath(trajectory(scene, n), 1.0, ())
    if not bool(clear(trajectory.scaled(0.0)).all()):
        hits = torch.nonzero(~inside)[:, 0] / (_CHECKED - 1) * (n - 1)
        return ClearPath(trajectory(scene, n), 1.0, tuple(hits.round().int().unique().tolist()))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if bool(clear(trajectory.scaled(middle)).all()) else (low, middle)
    return ClearPath(trajectory.scaled(low)(scene, n), low, ())
