"""Keeps camera paths out of geometry: a camera stays in the space that the photo shows to be free.

A path is shortened in the directions in which something is in the way, then on the stretches that still come too near.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Note, Scene, Trajectory
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.camera_path.pose import centers_of, look_at, reach_of, rigid

_CHECKED = 121
"""Number of poses at which a path is checked. It does not depend on n, so that every user gets the same path."""
_STEPS = 32
"""The free part of a line is found in this many steps."""
_BLEND = 6
"""A stretch is shortened gradually over this many checked poses before and after it."""
_AIMED = 1e-5
"""A camera whose optical axis misses the focus by less than this angle, as one minus its cosine, looks at it."""
DIRECTIONS = ("left", "up", "back", "right", "down", "forward")
"""The negative directions of x, y and z in the photo's camera axes, then the positive ones."""
_SHORT = 0.5
"""A path that keeps less than this share of its extent is worth a warning."""


@dataclass(frozen=True)
class Limit:
    """A direction in which a path was shortened."""

    direction: str
    share: float
    """The extent in this direction as a share of the requested one."""
    cause: str

    def __str__(self) -> str:
        return f"{self.direction} to {self.share:.0%} ({self.cause})"


@dataclass(frozen=True, eq=False)
class ClearPath:
    """A camera path, and by how much it had to be shortened."""

    cameras: list[Camera]
    factor: float
    """How far the path leaves the photo's pose on average, as a share of what was requested."""
    blocked: tuple[int, ...] = ()
    """Indices of the poses that touch or pass surfaces; only a path that cannot be shortened has any."""
    limits: tuple[Limit, ...] = ()
    """The directions in which it was shortened."""

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
            where = ", ".join(map(str, self.limits)) or "on some stretches, which come too near to surfaces"
            level = "warning" if self.factor < _SHORT else "info"
            return Note(f"the camera path keeps {self.factor:.0%} of its extent: shortened {where}", level)
        return None


def keep_clear(trajectory: Trajectory, scene: Scene, n: int) -> ClearPath:
    """n cameras of the path, shortened where it would come too near to what the photo shows.

    The path is first shortened along each half of each axis of the photo's camera, as far as a straight step in that
    direction is free, and then on the stretches where it still comes too near. Both are gradual. A camera that looks at
    the focus goes on doing so; all others keep their directions. A path that `scaled` does not change is returned
    unchanged, with the indices of the poses that are not clear.
    """
    space = FreeSpace.of(scene)
    home = centers_of(trajectory.scaled(0.0)(scene, _CHECKED))
    asked = centers_of(trajectory(scene, _CHECKED))
    clear = space.contains(asked).cpu()
    if bool(clear.all()):
        return ClearPath(trajectory(scene, n), 1.0)
    if not bool(space.contains(home).all()):
        hits = torch.nonzero(~clear)[:, 0] / (_CHECKED - 1) * (n - 1)
        return ClearPath(trajectory(scene, n), 1.0, tuple(hits.round().int().unique().tolist()))
    axes = scene.anchor.camera.cam_from_world[:3, :3]
    offsets = (asked - home) @ axes.T
    reach, limits = _axis_shares(space, scene.anchor.camera.center, offsets, axes)
    bent = _bent(offsets, reach)
    stretches = _gradual(_free_share(space, home, bent @ axes))
    kept = bent * stretches[:, None]
    factor = float(kept.norm(dim=-1).sum() / offsets.norm(dim=-1).sum().clamp(min=1e-9))
    cameras = trajectory(scene, n)
    moved = _at_times((kept - offsets) @ axes, n) + centers_of(cameras)
    return ClearPath(_placed(cameras, moved, scene), min(factor, 1.0), limits=limits)


def _axis_shares(
    space: FreeSpace, center: Float[Tensor, "3"], offsets: Float[Tensor, "k 3"], axes: Float[Tensor, "3 3"]
) -> tuple[Float[Tensor, "2 3"], tuple[Limit, ...]]:
    """The free share of the path's extent to the negative and positive side of each axis, and what limits it."""
    extents = torch.stack([offsets.amin(dim=0).clamp(max=0), offsets.amax(dim=0).clamp(min=0)])
    steps = torch.diag_embed(extents).reshape(6, 3) @ axes
    shares = _free_share(space, center.expand(6, 3), steps)
    limits = []
    for name, share, step in zip(DIRECTIONS, shares.tolist(), steps, strict=True):
        if share < 1:
            limits.append(Limit(name, share, space.obstacle(center + min(1.0, share + 1 / _STEPS) * step)))
    return shares.reshape(2, 3), tuple(limits)


def _bent(offsets: Float[Tensor, "k 3"], shares: Float[Tensor, "2 3"]) -> Float[Tensor, "k 3"]:
    """Offsets times the share of their side; the shares of both sides blend, so that the path stays smooth."""
    extent = offsets.abs().amax(dim=0).clamp(min=1e-9)
    t = (offsets / extent + 1) / 2
    return offsets * (shares[0] + (shares[1] - shares[0]) * t * t * (3 - 2 * t))


def _free_share(space: FreeSpace, start: Float[Tensor, "k 3"], step: Float[Tensor, "k 3"]) -> Float[Tensor, "k"]:
    """For each line from `start` the share of `step` up to which every place is free."""
    shares = torch.arange(1, _STEPS + 1) / _STEPS
    places = start + shares[:, None, None] * step
    still = step.norm(dim=-1) < 1e-6
    free = space.contains(places.reshape(-1, 3)).cpu().reshape(_STEPS, -1) | still
    return free.float().cumprod(dim=0).sum(dim=0) / _STEPS


def _gradual(shares: Float[Tensor, "k"]) -> Float[Tensor, "k"]:
    """A smooth curve that is nowhere above the shares: the least of each window, averaged over windows of that size."""
    least = -F.max_pool1d(-shares[None], 2 * _BLEND + 1, 1, _BLEND)
    weights = torch.hann_window(2 * _BLEND + 1, periodic=False)
    padded = F.pad(least[None], (_BLEND, _BLEND), mode="replicate")
    return F.conv1d(padded, (weights / weights.sum())[None, None])[0, 0]


def _at_times(values: Float[Tensor, "k 3"], n: int) -> Float[Tensor, "n 3"]:
    """Values of the checked poses at n evenly spaced times."""
    return F.interpolate(values.T[None], n, mode="linear", align_corners=True)[0].T if n > 1 else values[:1]


def _placed(cameras: list[Camera], centers: Float[Tensor, "n 3"], scene: Scene) -> list[Camera]:
    """The cameras at other places. Those that looked at the focus still do."""
    photo = scene.anchor.camera
    pose = photo.world_from_cam
    focus = pose[:3, :3] @ torch.tensor([0.0, 0.0, reach_of(scene.anchor).focus_z]) + pose[:3, 3]
    moved = []
    for camera, center in zip(cameras, centers, strict=True):
        there = look_at(center, focus, photo.cam_from_world[1, :3])
        kept = rigid(camera.cam_from_world[:3, :3], center)
        moved.append(camera.at(there if _looks_at(camera, focus) else kept))
    return moved


def _looks_at(camera: Camera, focus: Float[Tensor, "3"]) -> bool:
    to_focus = F.normalize(focus - camera.center, dim=0)
    return float(1 - camera.cam_from_world[2, :3] @ to_focus) < _AIMED
