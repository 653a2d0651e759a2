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
    """The one door to human eyes. Names are paths such as `coarse/03/hole`.

    Values are core types, tensors (image "h w 3", map "h w" float, mask "h w" bool), floats, `core.messages`, or a
    zero-argument callable that yields one of these when it is costly to make.
    """

    def __call__(self, name: str, value: Any, step: int | None = None) -> None: ...


@runtime_checkable
class Stage(Protocol):
    """One step of the pipeline."""

    def __call__(self, scene: Scene, observe: Observer) -> Scene: ...


@runtime_checkable
class DepthEstimator(Protocol):
    """Depth of one or many views; keeps a View's focal length when `focal_known`, else predicts one."""

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]: ...


@runtime_checkable
class Outpainter(Protocol):
    """Invents the pixels of `hole`. Known pixels come back untouched; the same seed gives the same picture."""

    def __call__(
        self, rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"], prompt: str, seed: int
    ) -> Float[Tensor, "h w 3"]: ...


@runtime_checkable
class TextToImage(Protocol):
    """Makes a picture from words; the same words, size and seed give the same picture."""

    def __call__(self, prompt: str, width: int, height: int, seed: int) -> Float[Tensor, "height width 3"]: ...


@runtime_checkable
class Renderer(Protocol):
    """Differentiable in every Gaussian parameter. Only the maps named in `want` are computed.

    `want` is drawn from "rgb", "z", "alpha", "z_median"; the background is black. `extra` holds per-Gaussian channels
    "n c", blended like colours, whose gradient counts each Gaussian's contributions.
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

    Use it through `ops.camera_path.clearance.keep_clear`.
    """

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """n cameras, evenly spread over the path from its start to its end, with one size."""

    def scaled(self, factor: float, /) -> Trajectory:
        """The same path with its extent times `factor`, at 0 the photo's pose; itself when its poses are given."""


@runtime_checkable
class Captioner(Protocol):
    """A sentence that describes the picture, for prompts."""

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> str: ...
