"""The path of several photos: past the place of each photo, then about the first one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vistadream.core import Camera, Scene, Trajectory, UserError
from vistadream.core.knobs import Range, check_ranges
from vistadream.trajectories.interpolate import Interpolate


@dataclass(frozen=True)
class Photos:
    """Moves smoothly through the poses of the photos in their order, and ends with another path about the first."""

    home: Trajectory
    """The path about the first photo; only this part is scaled."""
    home_share: float
    """Share of the frames for the path about the first photo."""

    def __post_init__(self) -> None:
        check_ranges(self, home_share=Range(0, 1, below=True))

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first camera is the first photo's. UserError for a scene of one photo."""
        if len(scene.photos) < 2:
            raise UserError(
                "trajectory=photos passes the places of several photos, and this scene has one; wanted another path, "
                "such as trajectory=spiral"
            )
        at_home = round(n * self.home_share)
        return [*Interpolate(None)(scene, n - at_home), *(self.home(scene, at_home) if at_home else [])]

    def scaled(self, factor: float, /) -> Photos:
        return replace(self, home=self.home.scaled(factor))
