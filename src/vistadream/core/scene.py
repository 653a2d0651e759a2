"""The values that travel between stages: a View, a DepthPrediction, a Rendering and the Scene that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core.camera import Camera
from vistadream.core.gaussians import Gaussians
from vistadream.core.registration import SparsePoints
from vistadream.core.residence import on_device

Origin = Literal["photo", "canvas", "novel"]
"""Where a picture comes from: a camera, a photo with a painted border, or a rendering whose holes were painted."""


def _check_size(owner: str, camera: Camera, **maps: Tensor | None) -> None:
    for name, value in maps.items():
        if value is not None and tuple(value.shape[:2]) != (camera.height, camera.width):
            raise ValueError(
                f"{owner}.{name}: shape is {tuple(value.shape)}; wanted {camera.height}x{camera.width} as its camera"
            )


def _check_confidence(owner: str, confidence: Tensor | None) -> None:
    if confidence is not None and not bool(((confidence >= 0) & (confidence <= 1)).all()):
        raise ValueError(f"{owner}.confidence: holds numbers outside [0, 1] or NaN; wanted 0 (no trust) to 1")


@dataclass(frozen=True, eq=False)
class DepthSource:
    """One of several estimates that a depth model blends; to be looked at only."""

    name: str
    z: Float[Tensor, "h w"]
    """Up to an unknown scale."""
    weight: float
    """How much it counts in the blend; 0: not at all."""


@dataclass(frozen=True, eq=False)
class DepthPrediction:
    """What a depth model predicts for one View."""

    z: Float[Tensor, "h w"]
    """Camera-space z; without meaning where `valid` is False."""
    valid: Bool[Tensor, "h w"]
    """Pixels whose z can be trusted."""
    camera: Camera
    """The View's camera, with the model's focal length if the View's was unknown.

    If the model finds the poses of several Views, this camera has its pose relative to the first View's camera.
    """
    is_metric: bool
    """True when z is in meters."""
    normals: Float[Tensor, "h w 3"] | None = None
    """Unit surface normals in camera axes, facing the camera."""
    sky: Bool[Tensor, "h w"] | None = None
    """Pixels infinitely far away; never valid."""
    confidence: Float[Tensor, "h w"] | None = None
    """Weight of each valid pixel's z relative to the others', from 0 to 1; None: all pixels weigh the same."""
    sources: tuple[DepthSource, ...] = ()
    """What `z` was blended from, if it was."""

    def __post_init__(self) -> None:
        _check_size(
            "DepthPrediction",
            self.camera,
            z=self.z,
            valid=self.valid,
            normals=self.normals,
            sky=self.sky,
            confidence=self.confidence,
        )
        _check_confidence("DepthPrediction", self.confidence)


@dataclass(frozen=True, eq=False)
class Splats:
    """Gaussians that a model predicts from one View."""

    gaussians: Gaussians
    """In the world of the View's camera."""
    depth: DepthPrediction
    """The surface that the model sees in the View, with the camera that the Gaussians were made for."""
    keep_sky: bool = False
    """Whether the sky that the Gaussians show is to stay; False: it is replaced by a distant shell."""


@dataclass(frozen=True, eq=False)
class View:
    """One picture of the scene, with its camera and what is known about its pixels."""

    name: str
    """Unique in its Scene; also its file stem and its viewer path."""
    camera: Camera
    rgb: Float[Tensor, "h w 3"]
    """sRGB colors in [0, 1]."""
    z: Float[Tensor, "h w"] | None
    """Camera-space z, or None before depth is known."""
    supervise: Bool[Tensor, "h w"]
    """Pixels that the fit must match."""
    lift: Bool[Tensor, "h w"]
    """Pixels that become Gaussians, or did already."""
    generated: Bool[Tensor, "h w"]
    """Pixels that were invented rather than photographed."""
    focal_known: bool = True
    """False while the focal length is only a guess that a depth model may replace."""
    confidence: Float[Tensor, "h w"] | None = None
    """Weight of each pixel's z relative to the others', from 0 to 1; None: all pixels weigh the same."""
    normals: Float[Tensor, "h w 3"] | None = None
    """Unit surface normals in camera axes, of either sign, 0 where unknown; None: computed from `z` when needed."""
    origin: Origin = "photo"
    """What the View shows: a photo, a canvas around a photo, or a new view."""
    extends: str | None = None
    """The name of the photo that a canvas extends; None for every other View."""
    pose_known: bool = True
    """False while the pose is only a placeholder that registration will replace."""
    time_s: float | None = None
    """When a frame of a video was taken, in seconds from the beginning of the video; None for other pictures."""

    def __post_init__(self) -> None:
        if self.origin not in get_args(Origin):
            raise ValueError(f"View({self.name}).origin: got {self.origin!r}; wanted one of {get_args(Origin)}")
        if (self.origin == "canvas") != (self.extends is not None):
            raise ValueError(
                f"View({self.name}): origin is {self.origin!r} and extends is {self.extends!r}; wanted the name of a "
                "photo for a canvas and None for every other view"
            )
        _check_size(
            f"View({self.name})",
            self.camera,
            rgb=self.rgb,
            z=self.z,
            supervise=self.supervise,
            lift=self.lift,
            generated=self.generated,
            confidence=self.confidence,
            normals=self.normals,
        )
        _check_confidence(f"View({self.name})", self.confidence)

    @property
    def depth(self) -> Float[Tensor, "h w"]:
        """`z` of a View whose depth is known; ValueError for any other View."""
        if self.z is None:
            raise ValueError(f"view {self.name!r} has no depth; wanted camera-space z, as after the stage initialize")
        return self.z

    def to(self, device: torch.device | str) -> View:
        """The same View with its maps on another device; its camera stays where it is."""
        return on_device(self, device)


@dataclass(frozen=True, eq=False)
class PlacedPhoto:
    """A photo where its camera stood, to be looked at only."""

    camera: Camera
    rgb: Float[Tensor, "h w 3"]
    distance: float
    """From the camera to where the picture is drawn, in units of the scene."""


@dataclass(frozen=True, eq=False)
class Rendering:
    """What a Renderer returns for one camera; a map that was not requested is None."""

    rgb: Float[Tensor, "h w 3"] | None = None
    """Colors over the background."""
    z: Float[Tensor, "h w"] | None = None
    """Expected camera-space z, divided by alpha; 0 where alpha is 0."""
    z_median: Float[Tensor, "h w"] | None = None
    """Camera-space z at which the transmittance falls below one half; 0 where it never does."""
    alpha: Float[Tensor, "h w"] | None = None
    """Accumulated opacity in [0, 1]; a hole is where it is low."""
    extra: Float[Tensor, "h w c"] | None = None
    """The extra per-Gaussian channels, blended like colors over zero."""

    def require(self, name: str) -> Tensor:
        """The map of that name; ValueError when it was not requested."""
        found = getattr(self, name)
        if found is None:
            raise ValueError(f"Rendering.{name}: it was not requested; wanted {name!r} among the maps in `want`")
        return found

    def to(self, device: torch.device | str) -> Rendering:
        """The same maps on another device; gradients pass."""
        return on_device(self, device)


@dataclass(frozen=True, eq=False)
class Scene:
    """The immutable value that stages pass on: the views and the Gaussians of one run."""

    views: tuple[View, ...] = ()
    gaussians: Gaussians = field(default_factory=Gaussians.empty)
    is_metric: bool = False
    """True when the unit of the scene is the meter, rather than an unknown length."""
    points: SparsePoints | None = None
    """Points that several photos see, once they are registered."""

    def __post_init__(self) -> None:
        names = [view.name for view in self.views]
        if len(set(names)) != len(names):
            raise ValueError(f"Scene.views: names are {names}; wanted each only once")

    def view(self, name: str) -> View:
        """The View of that name; KeyError when no view has it."""
        for view in self.views:
            if view.name == name:
                return view
        raise KeyError(f"no view named {name!r} in {[v.name for v in self.views]}")

    @property
    def photos(self) -> tuple[View, ...]:
        """The Views that a camera took, in the order of the source."""
        return tuple(view for view in self.views if view.origin == "photo")

    @property
    def anchor(self) -> View:
        """The first photo, whose camera is at the origin of the world; ValueError when there is no photo."""
        if not self.photos:
            raise ValueError(f"Scene.anchor: no view is a photo in {[v.name for v in self.views]}; wanted one or more")
        return self.photos[0]

    def canvas_of(self, photo: View) -> View:
        """The View that extends the photo with a painted border; the photo itself when it was not extended."""
        return next((view for view in self.views if view.extends == photo.name), photo)

    def with_views(self, *views: View) -> Scene:
        """The Scene in which these views replace those of the same name; the others are appended."""
        given = {view.name: view for view in views}
        kept = tuple(given.pop(view.name, view) for view in self.views)
        return replace(self, views=kept + tuple(given.values()))

    def to(self, device: torch.device | str) -> Scene:
        """The same Scene with its Views and Gaussians on another device; its cameras and sparse points stay."""
        views = tuple(view.to(device) for view in self.views)
        return replace(self, views=views, gaussians=self.gaussians.to(device))


@dataclass(frozen=True)
class SceneReach:
    """How far a camera may go before a scene shows holes and stretched surfaces, by direction."""

    moved: Mapping[str, float]
    """Distances from the photo's place as shares of the focus distance. The camera keeps looking at the focus."""
    turned_deg: Mapping[str, float]
    """Angles of a camera at the photo's place."""

    @property
    def smallest(self) -> float:
        """The distance that holds in every direction."""
        return min(self.moved.values())
