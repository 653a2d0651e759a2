"""The places around a photo, and the directions there, from which people look who leave the camera path."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Trajectory, View
from vistadream.core.knobs import check_ranges
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.camera_path.pose import aimed, placed, reach_of, rigid, turned

_STEPS = 20
"""The free length of a line is found in this many steps."""
_STEEPEST = 2.2
"""The largest distance from the axis at z = 1 that a wide view shows: 65 degrees."""

_WORDS = (("left", "right"), ("up", "down"), ("back", "forward"))


def extended(path: Trajectory, explore: float) -> Trajectory:
    """The camera path for a knob `explore`: above 1 it grows as the envelope does, below it keeps its extent."""
    return path.scaled(max(1.0, explore))


@dataclass(frozen=True)
class Envelope:
    """Places in all directions from the photo's, where a camera looks at the focus; and turns at the photo's place."""

    reach: float
    """Largest distance from the photo's place as a share of the focus distance."""
    yaw_deg: float
    """Largest turn to each side."""
    pitch_deg: float
    """Largest turn up and down."""
    n_wide: int
    """Number of wide views, each of which sees farther to all sides than the one before."""
    wide_scale: float
    """Focal length of a wide view as a share of the photo's."""

    def __post_init__(self) -> None:
        check_ranges(self, reach=(0, 2), yaw_deg=(0, 60), pitch_deg=(0, 45), n_wide=(0, 8), wide_scale=(0.1, 1))

    def scaled(self, factor: float) -> Envelope:
        """The same envelope with its distances and turns multiplied by `factor`, within the bounds of its knobs."""
        reach, yaw, pitch = (
            min(factor * x, most) for x, most in ((self.reach, 2.0), (self.yaw_deg, 60.0), (self.pitch_deg, 45.0))
        )
        return replace(self, reach=reach, yaw_deg=yaw, pitch_deg=pitch)

    @property
    def names(self) -> list[str]:
        """What each of `cameras` is: "left-up 0.25", or "turned right x0.5" for half of the largest turn."""
        ends = ["-".join(w for w in map(_word, row, _WORDS) if w) for row in _rows(3)]
        turns = ["-".join(w for w in map(_word, row, _WORDS) if w) for row in _rows(2)]
        return [
            name
            for share in (0.5, 1.0)
            for name in (
                *(f"{end} {share * self.reach:.2g}" for end in ends),
                *(f"turned {t} x{share:g}" for t in turns),
            )
        ]

    def cameras(self, view: View, space: FreeSpace) -> list[Camera]:
        """The cameras half as far out and half as far turned, then those at the ends of the free space or the reach."""
        focus_z = reach_of(view).focus_z
        ends = self._free_ends(view, space, focus_z)
        return [c for share in (0.5, 1.0) for c in (*aimed(view, share * ends, focus_z), *self._turns(view, share))]

    def wide(self, view: View, margin_px: int) -> list[Camera]:
        """Cameras at the photo's place, each of which sees all that turned cameras with a margin of `margin_px` see.

        The last one sees what those with the largest turns see, but no ray that is steeper than 65 degrees.
        """
        shares = [(i + 1) / self.n_wide for i in range(self.n_wide)]
        return [self._around(view.camera, self._turns(view, share), margin_px) for share in shares]

    def _around(self, photo: Camera, turned: list[Camera], margin_px: int) -> Camera:
        """The smallest picture around the principal point that shows what all turned cameras show."""
        rays = torch.cat([_corner_rays(camera.pad(*[margin_px] * 4), photo) for camera in turned])
        slopes = torch.where(rays[:, 2:] > 0, rays[:, :2].abs() / rays[:, 2:], torch.inf).amax(dim=0)
        fx, fy = self.wide_scale * photo.fx, self.wide_scale * photo.fy
        half_w, half_h = (round(f * s) for f, s in zip((fx, fy), slopes.clamp(max=_STEEPEST).tolist(), strict=True))
        K = torch.tensor([[fx, 0.0, half_w], [0.0, fy, half_h], [0.0, 0.0, 1.0]])
        return Camera(K, photo.cam_from_world, 2 * half_w, 2 * half_h)

    def _free_ends(self, view: View, space: FreeSpace, focus_z: float) -> Float[Tensor, "n 3"]:
        """For each direction the farthest offset, in the view's axes, up to which every place on the line is free."""
        steps = _rows(3)
        ends = self.reach * focus_z * torch.nn.functional.normalize(torch.tensor(steps), dim=1)
        shares = torch.arange(1, _STEPS + 1) / _STEPS
        pose = view.camera.world_from_cam
        places = (shares[:, None, None] * ends) @ pose[:3, :3].T + pose[:3, 3]
        free = space.contains(places.reshape(-1, 3)).reshape(_STEPS, len(ends)).float().cpu().cumprod(dim=0).sum(dim=0)
        return ends * (free / _STEPS)[:, None]

    def _turns(self, view: View, share: float) -> list[Camera]:
        """Level cameras at the photo's place, turned in eight directions on an ellipse."""
        steps = _rows(2)
        limits = share * torch.deg2rad(torch.tensor([self.yaw_deg, self.pitch_deg]))
        yaw, pitch = (torch.nn.functional.normalize(torch.tensor(steps), dim=1) * limits).unbind(-1)
        return placed(view, rigid(turned(yaw, pitch), torch.zeros(len(steps), 3)))


def _rows(n: int) -> list[tuple[float, ...]]:
    """All directions whose n parts are -1, 0 or 1."""
    return [row for row in itertools.product((-1.0, 0.0, 1.0), repeat=n) if any(row)]


def _word(part: float, words: tuple[str, str]) -> str:
    return words[part > 0] if part else ""


def _corner_rays(camera: Camera, photo: Camera) -> Float[Tensor, "4 3"]:
    """The rays through the corners of a camera's picture, in the axes of the photo's camera."""
    corners = torch.tensor([[0.0, 0.0], [camera.width, 0.0], [0.0, camera.height], [camera.width, camera.height]])
    rays = torch.cat([corners, torch.ones(4, 1)], dim=1) @ torch.linalg.inv(camera.K).T
    return rays @ camera.cam_from_world[:3, :3] @ photo.cam_from_world[:3, :3].T
