"""Conversion of core types to Rerun archetypes: one function for each type."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
import rerun as rr
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import (
    Camera,
    Chart,
    DepthPrediction,
    Gaussians,
    Note,
    PlacedPhoto,
    Progress,
    Rendering,
    RunEnded,
    RunStarted,
    Scene,
    SparsePoints,
    StageFinished,
    StageStarted,
    Summary,
    View,
)
from vistadream.observers.rerun.settings import RerunSettings
from vistadream.ops.image.colormap import depth_range
from vistadream.ops.image.pixels import to_uint8

_LEVELS = {"info": rr.TextLogLevel.INFO, "warning": rr.TextLogLevel.WARN, "error": rr.TextLogLevel.ERROR}
_SH_DC = 0.28209479177387814  # Y_00, so that a degree-0 coefficient c is the color 0.5 + Y_00 c
_BAR_COLORS = {"in_band": (70, 130, 220), "outside": (150, 150, 150), "chosen": (250, 140, 20)}


class Mark(NamedTuple):
    """One item to log."""

    kind: str
    """What decides its place: splats (points too), camera, plane (the picture of a camera), image, depth, mask, curve,
    chart or text."""
    below: str
    """Path below the name of the event; empty for the name itself."""
    archetypes: tuple[rr.AsComponents, ...]


@functools.singledispatch
def marks(value: Any, settings: RerunSettings) -> Iterator[Mark]:
    """The items to log for a value. Raises TypeError for a type that cannot be shown."""
    raise TypeError(f"cannot show {type(value).__name__}; wanted a core type, tensor, float or message")


@marks.register
def _(value: Gaussians, settings: RerunSettings) -> Iterator[Mark]:
    shown, grow = _thin(value.detach().to("cpu"), settings.max_splats)
    rgb = shown.colors if shown.colors.ndim == 2 else 0.5 + _SH_DC * shown.colors[:, 0]
    rgba = torch.cat([rgb, shown.opacities[:, None]], dim=1)
    splats = rr.GaussianSplats3D(
        shown.means.numpy(),
        scales=(shown.scales * grow).numpy(),
        quaternions=torch.nn.functional.normalize(shown.quats_wxyz, dim=1)[:, [1, 2, 3, 0]].numpy(),
        colors=to_uint8(rgba),
    )
    yield Mark("splats", "", (splats,))


@marks.register
def _(value: Camera, settings: RerunSettings) -> Iterator[Mark]:
    yield Mark("camera", "", _camera(value))


@marks.register
def _(value: View, settings: RerunSettings) -> Iterator[Mark]:
    """The picture, the depth, and the camera with its picture; its size in 3D follows from the depth."""
    picture = _image(value.rgb, settings)
    yield Mark("image", "rgb", (picture,))
    if value.z is not None:
        distance = 0.05 * float(value.z[value.z > 0].median())
        yield Mark("camera", "", _camera(_shrunk(value.camera, settings), distance))
        yield Mark("plane", "", (picture,))
        yield Mark("depth", "z", (_depth(value.z, settings),))
    if value.normals is not None:
        yield Mark("image", "normals", (_image(value.normals / 2 + 0.5, settings),))
    if value.confidence is not None:
        yield Mark("mask", "confidence", (_gray(value.confidence, settings),))


@marks.register
def _(value: PlacedPhoto, settings: RerunSettings) -> Iterator[Mark]:
    yield Mark("camera", "", _camera(_shrunk(value.camera, settings), value.distance))
    yield Mark("plane", "", (_image(value.rgb, settings),))


@marks.register
def _(value: Scene, settings: RerunSettings) -> Iterator[Mark]:
    if len(value.gaussians):
        yield from _under("gaussians", value.gaussians, settings)
    for view in value.views:
        yield from _under(view.name, view, settings)


@marks.register
def _(value: SparsePoints, settings: RerunSettings) -> Iterator[Mark]:
    yield Mark("splats", "", (rr.Points3D(value.xyz.numpy(), colors=to_uint8(value.rgb)),))


@marks.register
def _(value: Rendering, settings: RerunSettings) -> Iterator[Mark]:
    if value.rgb is not None:
        yield Mark("image", "rgb", (_image(value.rgb, settings),))
    if value.z is not None:
        yield Mark("depth", "z", (_depth(value.z, settings),))
    if value.alpha is not None:
        yield Mark("mask", "alpha", (_gray(value.alpha, settings),))


@marks.register
def _(value: DepthPrediction, settings: RerunSettings) -> Iterator[Mark]:
    yield Mark("depth", "z", (_depth(torch.where(value.valid, value.z, 0.0), settings),))
    if value.normals is not None:
        yield Mark("image", "normals", (_image(value.normals / 2 + 0.5, settings),))
    if value.sky is not None:
        yield Mark("mask", "sky", (_mask(value.sky, settings),))
    for source in value.sources:
        yield Mark("depth", f"{source.name}/z", (_depth(source.z, settings),))


@marks.register
def _(value: Tensor, settings: RerunSettings) -> Iterator[Mark]:
    if value.ndim == 0:
        yield Mark("curve", "", (rr.Scalars(float(value)),))
    elif value.ndim == 3 and value.shape[2] == 3:
        yield Mark("image", "", (_image(value, settings),))
    elif value.ndim == 2 and value.dtype == torch.bool:
        yield Mark("mask", "", (_mask(value, settings),))
    elif value.ndim == 2:
        yield Mark("depth", "", (_depth(value, settings),))
    else:
        raise TypeError(f"cannot show a tensor of shape {tuple(value.shape)}; wanted (), (h, w) or (h, w, 3)")


@marks.register(float)
@marks.register(int)
def _(value: float, settings: RerunSettings) -> Iterator[Mark]:
    yield Mark("curve", "", (rr.Scalars(value),))


@marks.register
def _(value: Chart, settings: RerunSettings) -> Iterator[Mark]:
    """Bars with a color for inside the band, outside or chosen; all three entities are written, so none is outdated."""
    low, high = value.band or (-math.inf, math.inf)
    bars: dict[str, list[tuple[float, float]]] = {"in_band": [], "outside": [], "chosen": []}
    for i, (x, y) in enumerate(zip(value.x, value.y, strict=True)):
        bars["chosen" if i == value.chosen else "in_band" if low <= y <= high else "outside"].append((x, y))
    for name, points in bars.items():
        xs, ys = np.array(points, dtype=np.float64).reshape(-1, 2).T
        yield Mark("chart", name, (rr.BarChart(ys, abscissa=xs, color=_BAR_COLORS[name]),))


@marks.register
def _(value: Note, settings: RerunSettings) -> Iterator[Mark]:
    yield _text(value.text, value.level)


@marks.register
def _(value: Summary, settings: RerunSettings) -> Iterator[Mark]:
    yield _text(value.text)


@marks.register
def _(value: RunStarted, settings: RerunSettings) -> Iterator[Mark]:
    yield _text(f"run started in {value.folder}")


@marks.register
def _(value: RunEnded, settings: RerunSettings) -> Iterator[Mark]:
    reason = f": {value.error}" if value.error else ""
    yield _text(f"run {value.status}{reason}", "error" if value.status == "failed" else "info")


@marks.register
def _(value: StageStarted, settings: RerunSettings) -> Iterator[Mark]:
    yield _text(f"{value.stage} started")


@marks.register
def _(value: StageFinished, settings: RerunSettings) -> Iterator[Mark]:
    yield _text(f"{value.stage} " + ("taken from disk" if value.resumed else f"finished in {value.seconds:.1f} s"))


@marks.register
def _(value: Progress, settings: RerunSettings) -> Iterator[Mark]:
    yield from ()  # the console shows progress


def _thin(gaussians: Gaussians, most: int) -> tuple[Gaussians, float]:
    """At most `most` Gaussians, evenly selected by index (the order of pixels, for lifted pictures).

    Also returns the factor by which each must grow so that together they cover the same surface.
    """
    ratio = len(gaussians) / most
    if ratio <= 1:
        return gaussians, 1.0
    jitter = torch.rand(most, generator=torch.Generator().manual_seed(0), dtype=torch.float64)  # against moire patterns
    index = (torch.arange(most) * ratio + jitter * (ratio - 1)).long()
    return gaussians.subset(index), math.sqrt(ratio)


def _under(name: str, value: Any, settings: RerunSettings) -> Iterator[Mark]:
    return (mark._replace(below=f"{name}/{mark.below}".rstrip("/")) for mark in marks(value, settings))


def _text(text: str, level: str = "info") -> Mark:
    return Mark("text", "", (rr.TextLog(text, level=_LEVELS[level]),))


def _camera(camera: Camera, image_plane_distance: float | None = None) -> tuple[rr.AsComponents, ...]:
    """The pose and the lens; without a distance, or with NaN where it is not known, the viewer chooses one."""
    if image_plane_distance is not None and not math.isfinite(image_plane_distance):
        image_plane_distance = None
    pose = camera.world_from_cam.detach().cpu().numpy()
    lens = rr.Pinhole(
        image_from_camera=camera.K.detach().cpu().numpy(),
        width=camera.width,
        height=camera.height,
        camera_xyz=rr.ViewCoordinates.RDF,
        image_plane_distance=image_plane_distance,
    )
    return rr.Transform3D(translation=pose[:3, 3], mat3x3=pose[:3, :3]), rr.TransformAxes3D(0.0), lens


def _image(rgb: Float[Tensor, "h w 3"], settings: RerunSettings) -> rr.AsComponents:
    h, w = rgb.shape[:2]
    levels = to_uint8(rgb)
    step = _step(h, w, settings)
    if step > 1:
        levels = cv2.resize(levels, (-(-w // step), -(-h // step)), interpolation=cv2.INTER_AREA)
    return rr.Image(levels).compress(jpeg_quality=settings.jpeg_quality)


def _mask(mask: Bool[Tensor, "h w"], settings: RerunSettings) -> rr.Image:
    return _gray(mask.float(), settings)


def _gray(values: Float[Tensor, "h w"], settings: RerunSettings) -> rr.Image:
    step = _step(values.shape[0], values.shape[1], settings)
    return rr.Image(to_uint8(values[::step, ::step]))


def _depth(z: Float[Tensor, "h w"], settings: RerunSettings) -> rr.DepthImage:
    """Near is red. Half precision is sufficient for viewing and needs half the space."""
    step = _step(z.shape[0], z.shape[1], settings)
    z = z.detach()[::step, ::step].cpu()
    known = torch.isfinite(z) & (z > 0)
    shown = torch.where(known, z, 0.0).clamp(max=6e4).half()
    return rr.DepthImage(shown.numpy(), colormap=rr.components.Colormap.Spectral, depth_range=depth_range(z, known))


def _shrunk(camera: Camera, settings: RerunSettings) -> Camera:
    step = _step(camera.height, camera.width, settings)
    return camera.resize(-(-camera.width // step), -(-camera.height // step))


def _step(h: int, w: int, settings: RerunSettings) -> int:
    """The step k such that every k-th row and column is shown."""
    return -(-max(h, w) // settings.max_image_px)
