"""The poses from which the coarse stage chooses its new views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vistadream.core import Camera, Note, Observer, Scene, Trajectory
from vistadream.core.knobs import FROM_0, FROM_1, check_ranges
from vistadream.ops.camera_path.clearance import keep_clear

_STRIDE = 1.25
"""Factor by which the reach of the path grows as long as it shows no hole."""


@dataclass(frozen=True)
class Candidates:
    """Poses along the camera path, or along a path with a larger reach where it shows no hole."""

    trajectory: Trajectory
    count: int
    """Number of poses along the path."""
    overshoot: float
    """Where the path shows no hole worth a view, its reach is enlarged by up to this factor."""
    margin_px: int
    """Width by which a new view is larger than the photo on each side."""

    def __post_init__(self) -> None:
        check_ranges(self, count=FROM_1, overshoot=FROM_1, margin_px=FROM_0)

    def __call__(
        self, scene: Scene, shows_holes: Callable[[list[Camera]], bool], observe: Observer
    ) -> tuple[list[Camera], list[Camera]]:
        """The cameras of the path itself, and those to choose from; `shows_holes` says whether cameras see any hole."""
        clear = keep_clear(self.trajectory, scene, self.count)
        if clear.note:
            observe("coarse/path", clear.note)
        flight = path = self._padded(clear.cameras)
        reached = 1.0
        while reached < self.overshoot and not shows_holes(path):
            factor = min(_STRIDE * reached, self.overshoot)
            try:
                further = self.trajectory.scaled(factor)
            except ValueError:  # a knob of the path has an upper bound
                break
            if further is self.trajectory:  # given poses stay where they are
                break
            path, reached = self._padded(keep_clear(further, scene, self.count).cameras), factor
        if reached > 1:
            text = f"the path shows no hole: its reach is enlarged {reached:.2g} times to find poses"
            observe("coarse/overshoot", Note(text))
        return flight, path

    def _padded(self, cameras: list[Camera]) -> list[Camera]:
        m = self.margin_px
        return [camera.pad(m, m, m, m) for camera in cameras]
