"""The flight through a scene that the videos show and that the metrics are measured along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vistadream.core import Camera, Observer, Progress, Renderer, Rendering, Scene, Trajectory
from vistadream.core.knobs import FROM_1, check_ranges
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.holes.preview import depth_range_along
from vistadream.ops.views.drawing import drawn


@dataclass(frozen=True)
class FlightKnobs:
    """Where the flight goes, and how long it is."""

    trajectory: str | None
    """The camera path by its name, with its default knobs; None: the path of the run itself."""
    frames: int

    def __post_init__(self) -> None:
        check_ranges(self, frames=FROM_1)


class SceneFlight:
    """Renders a scene along a camera path, frame by frame; implements `core.Flight`.

    The path is computed when it is first needed; through a scene without Gaussians there is none. The first complete
    flight measures the hole ratios, and they are observed as `export/hole_ratio`.
    """

    def __init__(self, scene: Scene, trajectory: Trajectory, frames: int, renderer: Renderer, observe: Observer):
        self._scene, self._trajectory, self._frames = scene, trajectory, frames
        self._renderer, self._observe = renderer, observe
        self._cameras: list[Camera] | None = None
        self._hole_ratios: tuple[float, ...] | None = None

    def cameras(self) -> Sequence[Camera]:
        """Of each frame; the path is made smaller where it would touch surfaces, which is observed."""
        if not len(self._scene.gaussians):
            return []
        if self._cameras is None:
            path = keep_clear(self._trajectory, self._scene, self._frames)
            if path.note is not None:
                self._observe("export/path", path.note)
            self._cameras = path.cameras
        return self._cameras

    def __call__(self, want: Sequence[str]) -> Iterator[Rendering]:
        """One Rendering for each camera, with the maps named in `want` and "alpha"."""
        wanted = (*want, *(() if "alpha" in want else ("alpha",)))
        cameras, ratios = self.cameras(), list[float]()
        for i, seen in enumerate(drawn(self._renderer, self._scene.gaussians, cameras, wanted)):
            ratios.append(float((seen.require("alpha") < 0.5).float().mean()))
            if self._hole_ratios is None:
                self._observe("export/hole_ratio", ratios[-1], i)
            self._observe("export/progress", Progress(i + 1, len(cameras)))
            yield seen
        self._hole_ratios = tuple(ratios)

    def depth_range(self) -> tuple[float, float]:
        """Near and far, from a few small pictures."""
        return depth_range_along(self._scene.gaussians, self.cameras(), self._renderer)

    def hole_ratios(self) -> tuple[float, ...]:
        """For each camera the share of pixels with alpha below 0.5."""
        if self._hole_ratios is None:
            for _ in self(("alpha",)):
                pass
        return self._hole_ratios or ()
