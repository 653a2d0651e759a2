"""The contracts between stages, backends, exporters and observers. Read this first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core.camera import Camera
from vistadream.core.gaussians import Gaussians
from vistadream.core.messages import Chart, Note, Summary
from vistadream.core.registration import Registration
from vistadream.core.scene import DepthPrediction, Rendering, Scene, SceneReach, Splats, View


@runtime_checkable
class Observer(Protocol):
    """Receives everything that a person may want to see of a run. Names are paths such as `coarse/03/hole`.

    Values are core types, tensors (image "h w 3", map "h w" float, mask "h w" bool), floats, `core.messages`, or a
    callable without arguments that returns one of these, for values that are costly to compute.
    """

    def __call__(self, name: str, value: Any, step: int | None = None) -> None: ...


@runtime_checkable
class ReadsFiles(Protocol):
    """An object whose result depends on files of the user: a source, a depth map, a camera path.

    Its fields of type `Path` say where the files are.
    """

    def inputs(self) -> Sequence[Path]:
        """Every file that the result depends on, including those in a folder. They are not read here."""


@runtime_checkable
class Source(ReadsFiles, Protocol):
    """Where the first views of a scene come from."""

    @property
    def name(self) -> str:
        """What the views show, in a few words, for the run folder; not yet a safe file name."""

    def __call__(self, observe: Observer) -> Sequence[View]:
        """The views, the anchor first."""


@runtime_checkable
class Stage(Protocol):
    """One step of the pipeline."""

    def __call__(self, scene: Scene, observe: Observer) -> Scene: ...


@runtime_checkable
class Prepares(Protocol):
    """A backend that can begin in the background what its first use needs; the session calls it before the stages."""

    def prepare(self) -> None: ...


@runtime_checkable
class DepthEstimator(Protocol):
    """Predicts the depth of one or more views. Keeps a View's focal length when `focal_known`, else predicts it too."""

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]: ...


@runtime_checkable
class FeatureModel(Protocol):
    """A backend whose network describes every small square of a picture by numbers, its features."""

    def patch_features(self, views: Sequence[View]) -> list[Float[Tensor, "h w c"]]:
        """For each View the features of its squares, on the CPU; h and w differ where the pictures do."""


@runtime_checkable
class PoseEstimator(Protocol):
    """Finds the cameras of several photos of one scene, and points that several of them see.

    A View whose `pose_known` is True has its pose already. UserError when no two Views can be registered.
    """

    def __call__(self, views: Sequence[View]) -> Registration: ...


@runtime_checkable
class MultiViewDepth(Protocol):
    """Finds the depth of all photos of a scene together, from their known cameras and the scene's points.

    Returns one prediction for each of `scene.photos`, in their order. z has the unit of the scene, `camera` is that of
    the View, and pixels whose depth is not trusted have `valid` False.
    """

    def __call__(self, scene: Scene) -> list[DepthPrediction]: ...


@runtime_checkable
class GaussianInitializer(Protocol):
    """Predicts the first Gaussians of a scene from one View."""

    def __call__(self, view: View, focal_px: float) -> Splats | None:
        """The Gaussians of what the View shows; None where the depth model's map is to be lifted, pixel by pixel.

        `focal_px` is the focal length of the View, or that of the depth model where the View's is only a guess.
        """


@runtime_checkable
class Outpainter(Protocol):
    """Invents the pixels of `hole`. Known pixels are returned unchanged; the same seed gives the same picture."""

    def __call__(
        self, rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"], prompt: str, seed: int
    ) -> Float[Tensor, "h w 3"]: ...


@runtime_checkable
class TextToImage(Protocol):
    """Makes a picture from a text; the same text, size and seed give the same picture."""

    def __call__(self, prompt: str, width: int, height: int, seed: int) -> Float[Tensor, "height width 3"]: ...


@runtime_checkable
class Renderer(Protocol):
    """Differentiable in every Gaussian parameter. Only the maps named in `want` are computed.

    `want` names maps among "rgb", "z", "alpha" and "z_median". The background color is a knob of the renderer. `extra`
    holds further channels per Gaussian, "n c", which are blended like colors over zero. Their gradient measures how
    much each Gaussian contributes. A renderer that draws several cameras together faster may have the class attribute
    `CAMERAS_AT_ONCE`; `ops.views.drawing.drawn` then hands it that many.
    """

    def __call__(
        self,
        gaussians: Gaussians,
        cameras: Sequence[Camera],
        *,
        want: Sequence[str] = ("rgb", "z", "alpha"),
        extra: Float[Tensor, "n c"] | None = None,
    ) -> list[Rendering]: ...


@runtime_checkable
class Trajectory(Protocol):
    """A camera path: a pure function of a scene and of its own knobs.

    Call it through `ops.camera_path.clearance.keep_clear`, which keeps the cameras away from surfaces.
    """

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """n cameras of one size, evenly spread over the path from its start to its end."""

    def scaled(self, factor: float, /) -> Trajectory:
        """The same path with its extent multiplied by `factor`; 0 shrinks it to the photo's pose.

        A path whose poses the user gave returns itself.
        """


@runtime_checkable
class Captioner(Protocol):
    """Describes a picture in one sentence, for prompts."""

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> str: ...


@runtime_checkable
class Flight(Protocol):
    """Renders a scene along the camera path of its videos. Exporters share one, so that each frame is rendered once."""

    def cameras(self) -> Sequence[Camera]:
        """The camera of each frame."""

    def __call__(self, want: Sequence[str]) -> Iterator[Rendering]:
        """One Rendering for each camera, with the maps named in `want`, as for a Renderer, and "alpha"."""

    def hole_ratios(self) -> Sequence[float]:
        """For each camera the share of pixels with alpha below 0.5; renders the flight if nobody has."""

    def depth_range(self) -> tuple[float, float]:
        """Near and far of the depth that the flight sees, for colors that stay the same in all frames."""


@runtime_checkable
class Recorded(Protocol):
    """What was observed during the run, by the names of the events; the values are the newest of each name."""

    @property
    def images(self) -> Mapping[str, Any]: ...
    @property
    def curves(self) -> Mapping[str, Sequence[tuple[int, float]]]: ...
    @property
    def charts(self) -> Mapping[str, Chart]: ...
    @property
    def notes(self) -> Sequence[tuple[str, Note]]: ...
    @property
    def summaries(self) -> Mapping[str, Summary]: ...
    @property
    def resumed(self) -> Collection[str]:
        """Stages whose result was loaded."""


@dataclass(frozen=True)
class ExportContext:
    """What exporters may need besides the scene."""

    stage: str
    """The name of the stage whose result the scene is."""
    renderer: Renderer
    flight: Flight
    reach: Callable[[], SceneReach]
    """Returns how far the scene holds; it is measured at the first call."""
    observe: Observer
    record: Recorded
    facts: Callable[[], Mapping[str, Any]]
    """Returns what run.json says at the moment of the call: command, stages, seconds, backends and versions."""
    changed: Mapping[str, tuple[Any, Any]]
    """Knobs whose value is not the default: (value, default)."""
    title: str
    """The name of the run, for people."""


@runtime_checkable
class Exporter(Protocol):
    """Writes one result of a finished scene, for people or for other programs. Its fields are its knobs."""

    place: ClassVar[Literal["export", "."]]
    """The folder of the run that its files go to: "export" for what is made from the scene, "." (the run folder itself)
    for what describes the run. Exporters of "export" run first, so that the others can refer to their files."""

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes files into `target`, a folder that takes the place of `place` when all exporters have ended well.

        `target` may hold files that were made from the same scene before. UserError for what a person can mend.
        """


@dataclass(frozen=True)
class ObservedRun:
    """What an observer may need to know of a run before its first observation."""

    folder: Path
    events: Path
    """The file for observations as lines of JSON, which a resumed run continues."""
    recording: Path
    """A new file for a recording."""
    stages: tuple[str, ...]
    """The stages that the run consists of."""
    config: str
    """The configuration as YAML."""
    knobs: Mapping[str, Any]
    """Every knob with its value, by its dotted name."""

    @property
    def name(self) -> str:
        """The name of the run, for people."""
        return self.folder.parent.name


@runtime_checkable
class ObserverKnobs(Protocol):
    """The knobs of one kind of observer, which make a new observer for each run. Its fields are the knobs."""

    def open(self, run: ObservedRun) -> AbstractContextManager[Observer]:
        """The observer of a run. The end of the block closes it. Its first event is run/started."""
