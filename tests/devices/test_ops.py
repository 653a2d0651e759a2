"""Every function of ops computes on the device of its inputs and returns there what it returns on the CPU."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.devices.fake_device import FakeDevice
from torch import Tensor

import vistadream.ops
from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Rendering, Scene, SparsePoints, View
from vistadream.ops.camera_path.bird_view import bird_view
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.camera_path.pose import centers_of, look_at, reach_of, rigid, turned
from vistadream.ops.depth import align, carry, edges, normals, resample, sky
from vistadream.ops.evaluation import continuity, metrics, reach, scene_metrics, view_metrics
from vistadream.ops.gaussians import affine_map, filter_3d, lift, rotation, shape, size_px
from vistadream.ops.holes import far_side, fill, preview, selection, visibility
from vistadream.ops.image import colormap, linear_rgb, pixels, principal_colors
from vistadream.ops.numerics import deterministic_sum, precision
from vistadream.ops.sweep import eye, neighbors
from vistadream.ops.views import drawing, epipolar, exposure, fusion, point_cloud, similarity, two_view

RENDERER = configured("backends/render=cpu")
LENS = Camera.from_fov(60, 48, 36)


@dataclass(frozen=True, eq=False)
class Given:
    """A room with two photos, a hole and a sky."""

    z: Tensor
    rgb: Tensor
    hole: Tensor
    sky: Tensor
    alpha: Tensor
    gaussians: Gaussians
    rotations: Tensor
    points: Tensor
    px: tuple[Tensor, Tensor]
    photos: tuple[View, ...]

    def to(self, device: str) -> Given:
        moved = {field.name: _to(getattr(self, field.name), device) for field in fields(self)}
        return Given(**moved)

    @property
    def scene(self) -> Scene:
        return Scene(self.photos, self.gaussians)

    @property
    def seen(self) -> Rendering:
        return Rendering(self.rgb, self.z, self.z, self.alpha)


def _to(value: Any, device: str) -> Any:
    return tuple(each.to(device) for each in value) if isinstance(value, tuple) else value.to(device)


def _given() -> Given:
    rng = torch.Generator().manual_seed(0)
    v, u = torch.meshgrid(torch.linspace(0, 1, 36), torch.linspace(0, 1, 48), indexing="ij")
    z = 3 + u + torch.where((u > 0.3) & (u < 0.5) & (v > 0.3), -1.5, 0.0) + 0.01 * torch.rand(36, 48, generator=rng)
    rgb = torch.rand(36, 48, 3, generator=rng)
    hole, high = (u > 0.5) & (u < 0.6), v < 0.2
    everywhere = torch.ones_like(hole)
    photo = View("one", LENS, rgb, z, everywhere, everywhere, ~everywhere, confidence=0.5 + 0.5 * u)
    moved = torch.eye(4)
    moved[0, 3] = -0.1
    other = replace(photo, name="two", camera=LENS.at(moved), normals=torch.nn.functional.normalize(rgb, dim=-1))
    gaussians = lift.lift_view(photo, 0.55, 0.5)
    points = LENS.unproject(z).reshape(-1, 3)[::40]
    px = tuple(camera.project(points)[0] for camera in (LENS, LENS.at(moved)))
    rotations = rotation.rotations_from_quats(torch.randn(7, 4, generator=rng))
    return Given(z, rgb, hole, high, 1 - 0.8 * hole.float(), gaussians, rotations, points, px, (photo, other))


@pytest.fixture(params=["pretended", "cuda"])
def device(request: pytest.FixtureRequest) -> Iterator[FakeDevice | None]:
    """The pretended GPU, or None for the GPU of this computer."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    with FakeDevice() if request.param == "pretended" else nullcontext() as entered:
        yield entered


def _points(x: Given) -> SparsePoints:
    """What both photos see; sparse points and cameras stay on the CPU."""
    n, here = len(x.points), x.points.cpu()
    views = torch.arange(2).repeat_interleave(n)
    everything = torch.arange(n).repeat(2)
    return SparsePoints(
        here, here.abs() / 5, here[:, 0].abs(), ("one", "two"), everything, views, torch.cat(x.px).cpu()
    )


def _path(x: Given) -> list[Camera]:
    offsets = torch.linspace(-0.3, 0.3, 5)[:, None] * torch.tensor([1.0, 0.0, 0.0])
    return [LENS.at(pose) for pose in rigid(torch.eye(3).expand(5, 3, 3), offsets)]


def _reached(x: Given) -> list[float]:
    found = reach.measure_reach(x.scene, configured("backends/render=cpu"))
    return [*found.moved.values(), *found.turned_deg.values()]


def _rule() -> selection.SelectionRule:
    return selection.SelectionRule(0.01, 0.5, "closest")


def _fusion() -> fusion.Fusion:
    return fusion.Fusion(open_alpha=0.5, in_front=0.1, through=1, sure=0.7, tolerance=0.05)


def _cleared(x: Given) -> list[float]:
    path = keep_clear(configured("trajectory=spiral"), x.scene, 5)
    return [path.factor, *centers_of(path.cameras).flatten().tolist()]


def _pushed(x: Given) -> tuple[Tensor, ...]:
    return visibility.push_behind(LENS, 0.8 * x.z, x.hole, x.photos)


LAWS: dict[Callable, Callable[[Given], Any]] = {
    size_px.sizes_px: lambda x: size_px.sizes_px(x.gaussians, LENS),
    size_px.fitted_sizes_px: lambda x: size_px.fitted_sizes_px(x.gaussians, x.photos),
    reach.measure_reach: _reached,
    look_at: lambda x: look_at(x.points, 2 * x.points[3], x.rotations[0, 1]),
    rigid: lambda x: rigid(x.rotations, x.points[:7]),
    turned: lambda x: turned(x.points[:, 0], x.points[:, 1]),
    reach_of: lambda x: reach_of(x.photos[0]),
    keep_clear: _cleared,
    bird_view: lambda x: bird_view(x.gaussians, _path(x), [0.02] * 9, _path(x)[:1], LENS).flatten().tolist(),
    align.weighted_median: lambda x: align.weighted_median(x.z.flatten(), x.rgb[..., 0].flatten()),
    align.align_scale_shift: lambda x: align.align_scale_shift(x.z, 2 * x.z + 1, x.alpha).scale,
    align.align_subsampled: lambda x: (
        align.align_subsampled(x.z.flatten(), 2 * x.z.flatten() + 1, x.alpha.flatten()).shift
    ),
    carry.carried: lambda x: carry.carried(x.z, 2 * x.z, ~x.hole),
    edges.neighbors: lambda x: edges.neighbors(x.z, 1),
    edges.has_neighbors: lambda x: edges.has_neighbors(~x.hole, 0),
    edges.bend: lambda x: edges.bend(x.z, ~x.hole, 1),
    edges.relative_depth_edges: lambda x: edges.relative_depth_edges(x.z, ~x.hole),
    edges.sharpen_depth_edges: lambda x: edges.sharpen_depth_edges(x.z, ~x.hole),
    edges.smooth_depth: lambda x: edges.smooth_depth(x.z, 0.02),
    normals.normals_from_depth: lambda x: normals.normals_from_depth(LENS, x.z, ~x.hole),
    resample.resample_depth: lambda x: resample.resample_depth((3, 2, 40, 30), x.z, 20, 16),
    sky.shell_z: lambda x: sky.shell_z(LENS, 7.0, x.z.device),
    sky.eroded_sky: lambda x: sky.eroded_sky(x.sky),
    sky.sky_backdrop: lambda x: sky.sky_backdrop(x.photos[0], x.sky, 30.0, 0.1),
    continuity.largest_hole: lambda x: continuity.largest_hole(x.alpha),
    continuity.flying: lambda x: continuity.flying(x.z, ~x.hole),
    continuity.cycle_error_px: lambda x: continuity.cycle_error_px(LENS, x.z, x.photos[1].camera, x.z),
    continuity.cycle_error_map: lambda x: continuity.cycle_error_map(LENS, x.z, x.photos[1].camera, x.z),
    continuity.cycle_errors_px: lambda x: continuity.cycle_errors_px([v.camera for v in x.photos], [x.z, x.z]),
    metrics.psnr: lambda x: metrics.psnr(x.rgb, 0.9 * x.rgb, x.hole),
    metrics.abs_rel: lambda x: metrics.abs_rel(x.z, 1.1 * x.z, x.hole),
    metrics.rmse: lambda x: metrics.rmse(x.z, 1.1 * x.z, x.hole),
    metrics.delta1: lambda x: metrics.delta1(x.z, 1.3 * x.z * x.rgb[..., 0], x.hole),
    metrics.ssim: lambda x: metrics.ssim(x.rgb, 0.9 * x.rgb, x.hole),
    scene_metrics.scene_metrics: lambda x: scene_metrics.scene_metrics(x.scene, RENDERER, "z"),
    view_metrics.view_metrics: lambda x: [view_metrics.view_metrics(v, x.rgb, 1.2 * x.z + 0.1) for v in x.photos],
    filter_3d.filter_3d: lambda x: filter_3d.filter_3d(x.gaussians, [v.camera for v in x.photos], 0.1),
    lift.lift: lambda x: lift.lift(LENS, x.rgb, x.z, *normals.normals_from_depth(LENS, x.z, ~x.hole), ~x.hole),
    lift.lift_view: lambda x: lift.lift_view(x.photos[0], 0.55, 0.5),
    affine_map.mapped: lambda x: affine_map.mapped(x.gaussians, torch.eye(3), torch.ones(3)),
    linear_rgb.linear_from_srgb: lambda x: linear_rgb.linear_from_srgb(x.rgb),
    linear_rgb.srgb_from_linear: lambda x: linear_rgb.srgb_from_linear(x.rgb),
    rotation.rotations_from_quats: lambda x: rotation.rotations_from_quats(x.gaussians.quats_wxyz),
    rotation.quats_from_rotations: lambda x: rotation.quats_from_rotations(x.rotations),
    shape.scale_ratios: lambda x: (shape.scale_ratios(x.gaussians), shape.Shape.of(x.gaussians)),
    far_side.far_surface: lambda x: vars(far_side.far_surface(x.z, ~x.hole, 8.0, 6, 2)),
    far_side.covering: lambda x: far_side.covering(x.z, ~x.hole, 8.0, 6),
    fill.clean_hole: lambda x: fill.clean_hole(x.alpha),
    fill.split_holes: lambda x: fill.split_holes(x.hole | x.sky),
    fill.fill_from_far_side: lambda x: fill.fill_from_far_side(x.rgb, x.z, x.hole),
    fill.complete_depth: lambda x: fill.complete_depth(x.z, ~x.hole),
    fill.blend_seam: lambda x: fill.blend_seam(1.2 * x.z, x.z, ~x.hole),
    preview.hole_ratios: lambda x: preview.hole_ratios(x.gaussians, _path(x), RENDERER),
    preview.depth_range_along: lambda x: preview.depth_range_along(x.gaussians, _path(x), RENDERER),
    preview.clustered: lambda x: preview.clustered(x.gaussians, torch.zeros(3), 0.03),
    selection.score_poses: lambda x: selection.score_poses(x.gaussians, _path(x), RENDERER, [], _rule()),
    visibility.hides: lambda x: visibility.hides(0.9 * x.points, x.photos[1], 0.05),
    visibility.push_behind: _pushed,
    visibility.keep_behind_translucent: lambda x: visibility.keep_behind_translucent(0.9 * x.z, x.seen, x.hole),
    visibility.overlapping: lambda x: visibility.overlapping(x.z, x.hole),
    visibility.near_rim: lambda x: visibility.near_rim(x.z, x.hole, 1.5 * x.z, 5),
    colormap.depth_range: lambda x: colormap.depth_range(x.z, ~x.hole),
    colormap.depth_colors: lambda x: colormap.depth_colors(x.z, ~x.hole, 2.0, 4.0),
    pixels.resample_mask: lambda x: pixels.resample_mask(x.hole, pixels.fit_resolution(48, 36, 24, 4)),
    pixels.to_uint8: lambda x: pixels.to_uint8(x.rgb),
    pixels.snap: lambda x: pixels.snap(x.rgb),
    pixels.lost_detail: lambda x: pixels.lost_detail(x.rgb, 2),
    pixels.dilate: lambda x: pixels.dilate(x.hole, 3),
    principal_colors.principal_colors: lambda x: principal_colors.principal_colors([x.rgb, 2 * x.rgb[:20]]),
    deterministic_sum.total: lambda x: deterministic_sum.total(x.rgb),
    deterministic_sum.mean: lambda x: deterministic_sum.mean(x.rgb),
    deterministic_sum.masked_mean: lambda x: deterministic_sum.masked_mean(x.z, x.hole, 1.0),
    precision.widened: lambda x: precision.widened(x.rgb),
    eye.eye_of: lambda x: eye.eye_of(x.photos[0], 24).gray,
    neighbors.Overlap.of: lambda x: neighbors.Overlap.of(x.photos, _points(x)).z_range(0),
    drawing.drawn: lambda x: [seen.rgb for seen in drawing.drawn(RENDERER, x.gaussians, _path(x), ("rgb",))],
    epipolar.essential_of: lambda x: epipolar.essential_of(rigid(x.rotations, x.points[:7])[0]),
    epipolar.homography_share: lambda x: epipolar.homography_share(*x.px),
    exposure.exposure_gains: lambda x: exposure.exposure_gains(x.photos, _points(x)).tolist(),
    fusion.by_new_surface: lambda x: fusion.by_new_surface(x.photos, 0.05),
    fusion.Fusion.part: lambda x: _fusion().part(x.photos[0], True),
    fusion.Fusion.adds: lambda x: _fusion().adds(x.photos[0], x.seen),
    fusion.Fusion.floats: lambda x: _fusion().floats(x.photos[0], x.photos[1:]),
    point_cloud.point_cloud: lambda x: len(point_cloud.point_cloud(x.photos, 10.0, 1000)),
    point_cloud.has_depth: lambda x: point_cloud.has_depth(x.photos[0]),
    point_cloud.photographed: lambda x: point_cloud.photographed(x.photos[0]),
    similarity.fit_similarity: lambda x: similarity.fit_similarity(x.points, 2 * x.points).points(x.points),
    similarity.fit_similarity_robustly: lambda x: similarity.fit_similarity_robustly(x.points, 2 * x.points, 0.1)[1],
    two_view.relative_pose: lambda x: two_view.relative_pose(*x.px, (LENS, LENS), True).in_front,
}
CAMERAS_ALONE = "cameras, whose numbers stay on the CPU"
NUMPY = "arrays, which are on the CPU"
ELSEWHERE = {
    "camera_path.pose.placed": CAMERAS_ALONE,
    "camera_path.pose.aimed": CAMERAS_ALONE,
    "camera_path.pose.centers_of": CAMERAS_ALONE,
    "camera_path.spline.even_knots": CAMERAS_ALONE,
    "camera_path.spline.through": CAMERAS_ALONE,
    "views.epipolar.epipolar_error_px": CAMERAS_ALONE,
    "evaluation.poses.trajectory_error": CAMERAS_ALONE,
    "evaluation.poses.rotation_error_deg": CAMERAS_ALONE,
    "evaluation.poses.focal_error": CAMERAS_ALONE,
    "holes.preview.shrunk": CAMERAS_ALONE,
    "image.distortion.pinhole_within": CAMERAS_ALONE,
    "image.distortion.straightening": CAMERAS_ALONE,
    "image.pixels.from_uint8": NUMPY,
    "image.pixels.resample": "a picture file",
    "image.pixels.pad_mask": "sizes",
    "evaluation.scene_metrics.changes": "numbers",
    "evaluation.scene_metrics.summary": "numbers",
    "evaluation.view_metrics.mean_metrics": "numbers",
}
"""What functions take that have nothing on a device."""


def _leaves(value: Any) -> Iterator[Any]:
    """The tensors, arrays and numbers of a result; those of cameras are left out."""
    if isinstance(value, Camera):
        return
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


@pytest.mark.parametrize("function", LAWS, ids=lambda function: f"{function.__module__[15:]}.{function.__qualname__}")
def test_it_returns_on_the_device_of_its_inputs(function: Callable, device: FakeDevice | None) -> None:
    given = _given()
    wanted = list(_leaves(LAWS[function](given)))
    found = list(_leaves(LAWS[function](given.to("cuda"))))
    assert len(found) == len(wanted) > 0
    for one, other in zip(found, wanted, strict=True):
        if isinstance(other, Tensor):
            assert one.device.type == "cuda"
            _assert_same(one.detach().cpu().numpy(), other.detach().numpy(), exact=device is not None)
        elif isinstance(other, np.ndarray | float):
            _assert_same(np.asarray(one), np.asarray(other), exact=device is not None)
        else:
            assert one == other


def test_double_precision_is_not_asked_of_a_device_without_it() -> None:
    with FakeDevice("mps"):
        given = _given().to("mps")
        for law in LAWS.values():
            for each in _leaves(law(given)):
                assert not isinstance(each, Tensor) or each.device.type == "mps"


def _assert_same(found: np.ndarray, wanted: np.ndarray, exact: bool) -> None:
    """Equal to rounding on the pretended GPU, which sums in another order in places; nearly everywhere on a GPU."""
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    tolerance = 1e-6 if exact else 1e-3
    close = np.isclose(found.astype(np.float64), wanted.astype(np.float64), tolerance, tolerance, equal_nan=True)
    assert close.mean() >= (1 if exact else 0.995)


def test_every_function_that_takes_a_tensor_is_here() -> None:
    named = {f"{function.__module__}.{function.__name__}" for function in LAWS}
    missing = []
    for module in pkgutil.walk_packages(vistadream.ops.__path__, "vistadream.ops."):
        if ".ops.fit" in module.name or module.ispkg:
            continue
        for name, function in vars(importlib.import_module(module.name)).items():
            own = inspect.isfunction(function) and function.__module__ == module.name and not name.startswith("_")
            words = " ".join(str(p.annotation) for p in inspect.signature(function).parameters.values()) if own else ""
            takes = any(word in words for word in ("Tensor", "View", "Gaussians", "Scene", "Camera"))
            if takes and f"{module.name}.{name}" not in named and f"{module.name[15:]}.{name}" not in ELSEWHERE:
                missing.append(f"{module.name}.{name}")
    assert not missing


def test_positions_of_the_cpu_are_compared_with_surfaces_on_the_device(device: FakeDevice | None) -> None:
    given = _given()
    centers = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 2.9], [0.0, 0.0, 9.0]])
    inside = FreeSpace.of(given.to("cuda").scene).contains(centers)
    assert inside.tolist() == FreeSpace.of(given.scene).contains(centers).tolist()
