"""The poses from which the coarse stage chooses its new views."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core import Camera, Observer, Scene, Trajectory
from vistadream.core.knobs import FROM_0, FROM_1, check_ranges
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.camera_path.envelope import Envelope, extended
from vistadream.ops.camera_path.free_space import FreeSpace


@dataclass(frozen=True)
class Poses:
    """The cameras from which the coarse stage looks for holes, each larger than the photo by a margin."""

    path: list[Camera]
    """Along the camera path."""
    around: list[Camera]
    """In the envelope around it, near ones first."""
    names: list[str]
    """What each pose of `around` is, for people."""
    wide: list[Camera]
    """Of the first new views, which continue the scene to all sides. They are not larger."""

    @property
    def far(self) -> list[Camera]:
        """The farther half of the poses around the path."""
        return self.around[len(self.around) // 2 :]


@dataclass(frozen=True)
class Candidates:
    """Poses along the camera path, and in the envelope around the photo's place."""

    trajectory: Trajectory
    count: int
    """Number of poses along the path."""
    envelope: Envelope | None
    """None: poses along the path alone."""
    explore: float
    """Factor of the envelope's distances and turns, and of the path's extent if it is above 1."""
    margin_px: int
    """Width by which a new view is larger than the photo on each side."""

    def __post_init__(self) -> None:
        check_ranges(self, count=FROM_1, explore=(0, 4), margin_px=FROM_0)

    def __call__(self, scene: Scene, observe: Observer) -> Poses:
        clear = keep_clear(extended(self.trajectory, self.explore), scene, self.count)
        if clear.note:
            observe("coarse/path", clear.note)
        path = self._padded(clear.cameras)
        if self.envelope is None or not self.explore:
            return Poses(path, [], [], [])
        envelope, photo = self.envelope.scaled(self.explore), scene.anchor
        around = self._padded(envelope.cameras(photo, FreeSpace.of(scene)))
        return Poses(path, around, envelope.names, envelope.wide(photo, self.margin_px))

    def _padded(self, cameras: list[Camera]) -> list[Camera]:
        m = self.margin_px
        return [camera.pad(m, m, m, m) for camera in cameras]
