"""The contracts between stages, backends and observers. Read this first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core.camera import Camera
from vistadream.core.gaussians import Gaussians
from vistadream.core.scene import DepthPrediction, Rendering, Scene, View


@runtime_checkable
class Observer(Protocol):
    """Receives everything that a person may want to see of a run. Names are paths such as `coarse/03/hole`.

    Values are core types, tensors (image "h w 3", map "h w" float, mask "h w" bool), floats, `core.messages`, or a
    callable without arguments that returns one of these, for values that are costly to compute.
    """

    def __call__(self, name: str, value: Any, step: int | None = None) -> None: ...


@runtime_checkable
class Stage(Protocol):
    """One step of the pipeline."""

    def __call__(self, scene: Scene, observe: Observer) -> Scene: ...


@runtime_checkable
class DepthEstimator(Protocol):
    """Predicts the depth of one or more views. Keeps a View's focal length when `focal_known`, else predicts it too."""

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]: ...


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
    much each Gaussian contributes.
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
