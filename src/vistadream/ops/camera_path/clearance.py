"""Keeps camera paths out of geometry: a camera stays in the space that the photo shows to be free."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from vistadream.core import Camera, Note, Scene, Trajectory
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.camera_path.pose import centers_of

_CHECKED = 121
"""Number of poses at which a path is checked. It does not depend on n, so that every user gets the same factor."""
_HALVINGS = 6
"""Number of bisection steps in the search for the factor."""


@dataclass(frozen=True, eq=False)
class ClearPath:
    """A camera path, and by how much it had to shrink."""

    cameras: list[Camera]
    factor: float
    """The extent of the path as a share of the requested one."""
    blocked: tuple[int, ...]
    """Indices of the poses that touch or pass surfaces; only a path that cannot be scaled has any."""

    @property
    def note(self) -> Note | None:
        """The message for the user; None when the path is as requested and clear of surfaces."""
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
    """n cameras of the path, which is scaled down by one factor until every pose is clear of what the photo shows.

    A path that `scaled` does not change is returned unchanged, with the indices of the poses that are not clear.
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
