"""A lifted splat covers its pixel on the surface under it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vistadream.core import Camera, View
from vistadream.ops.camera_path.pose import look_at
from vistadream.ops.gaussians.lift import lift, lift_view
from vistadream.ops.gaussians.rotation import quats_from_rotations


def plane_view(normal: torch.Tensor, pose: torch.Tensor | None = None) -> tuple[View, torch.Tensor]:
    """A View of a textured plane through (0, 0, 3) with the given normal, in double precision; and its normals."""
    camera = Camera.from_fov(50, 24, 18)
    camera = Camera(camera.K.double(), (torch.eye(4) if pose is None else pose).double(), 24, 18)
    rays = camera.rays()
    z = 3 * normal[2] / (rays @ normal)
    mask = torch.ones(18, 24, dtype=torch.bool)
    view = View("input", camera, torch.rand(18, 24, 3).double(), z, mask, mask, ~mask)
    return view, normal.expand(18, 24, 3)


def rotations(quats: torch.Tensor) -> torch.Tensor:
    w, x, y, z = quats.unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


normals = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(
    lambda t: torch.nn.functional.normalize(torch.tensor([t[0], t[1], -1.0], dtype=torch.float64), dim=0)
)


@given(normals)
def test_a_splat_projects_to_the_footprint_of_its_pixel(normal: torch.Tensor) -> None:
    """Its in-plane covariance, pushed through the projection's Jacobian, is sigma_px^2 times the identity."""
    view, n = plane_view(normal)
    g = lift(view.camera, view.rgb, view.z, n, view.lift, view.lift, sigma_px=0.5, thickness=0.0, max_stretch=50.0)
    R = rotations(g.quats_wxyz)
    cov = R @ torch.diag_embed(g.scales**2) @ R.transpose(1, 2)
    x, y, z = g.means.unbind(-1)
    f, zero = view.camera.fx, torch.zeros_like(z)
    J = torch.stack([torch.stack([f / z, zero, -f * x / z**2], -1), torch.stack([zero, f / z, -f * y / z**2], -1)], -2)
    want = (0.25 * torch.eye(2, dtype=torch.float64)).expand(len(z), 2, 2)
    torch.testing.assert_close(J @ cov @ J.transpose(1, 2), want, atol=1e-4, rtol=0)


@given(normals)
def test_the_third_axis_is_the_normal_and_the_means_lie_on_the_plane(normal: torch.Tensor) -> None:
    view, n = plane_view(normal)
    g = lift(view.camera, view.rgb, view.z, n, view.lift, view.lift, max_stretch=50.0)
    third = rotations(g.quats_wxyz)[:, :, 2]
    torch.testing.assert_close((third * normal).sum(-1).abs(), torch.ones(len(g), dtype=torch.float64))
    torch.testing.assert_close(g.means @ normal, (3 * normal[2]).expand(len(g)))
    assert bool((g.scales[:, 2] < g.scales[:, :2].min(-1).values).all())


def test_lifting_commutes_with_moving_the_camera() -> None:
    pose = look_at(torch.tensor([1.0, 2.0, -1.0]), torch.tensor([0.0, 0.0, 4.0]), torch.tensor([0.0, 1.0, 0.0]))
    normal = torch.tensor([0.3, -0.5, -0.8], dtype=torch.float64)
    normal = normal / normal.norm()
    (here, n), (there, _) = plane_view(normal), plane_view(normal, pose)
    a = lift(here.camera, here.rgb, here.z, n, here.lift, here.lift)
    b = lift(there.camera, here.rgb, here.z, n, here.lift, here.lift)
    R, t = there.camera.cam_from_world[:3, :3], there.camera.cam_from_world[:3, 3]
    torch.testing.assert_close(b.means @ R.T + t, a.means, atol=1e-5, rtol=0)
    axes_a, axes_b = (rotations(g.quats_wxyz) @ torch.diag_embed(g.scales) for g in (a, b))
    torch.testing.assert_close(R @ axes_b, axes_a, atol=1e-5, rtol=0)


def test_a_grazing_surface_is_stretched_no_further_than_asked() -> None:
    view, n = plane_view(torch.nn.functional.normalize(torch.tensor([0.0, -1.0, -0.05], dtype=torch.float64), dim=0))
    steep = view.z > 0
    g = lift(view.camera, view.rgb, view.z, n, steep, steep, sigma_px=0.5, max_stretch=3.0)
    pixel = 0.5 * view.z[steep] / view.camera.fx
    assert float((g.scales[:, :2].max(-1).values / pixel).max()) < 3.0 * 1.4


def test_only_the_marked_pixels_become_gaussians_and_none_without_depth() -> None:
    view, n = plane_view(torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64))
    pixels = torch.zeros_like(view.lift)
    pixels[3, 4] = pixels[5, 6] = True
    g = lift(view.camera, view.rgb, view.z, n, pixels, pixels)
    assert torch.equal(g.colors, view.rgb[pixels])
    holed = view.z.clone()
    holed[3, 4] = math.nan
    with pytest.raises(ValueError, match="no positive finite z"):
        lift(view.camera, view.rgb, holed, n, pixels, pixels)


def test_a_view_lifts_its_own_surface() -> None:
    normal = torch.nn.functional.normalize(torch.tensor([0.2, -0.4, -0.9], dtype=torch.float64), dim=0)
    view, n = plane_view(normal)
    by_view = lift_view(view, 0.5, 0.5)
    by_hand = lift(view.camera, view.rgb, view.z, n, view.lift, view.lift, sigma_px=0.5, thickness=0.5)
    torch.testing.assert_close(by_view.means, by_hand.means)
    torch.testing.assert_close(by_view.scales, by_hand.scales, atol=1e-6, rtol=1e-3)


@given(st.integers(0, 10_000))
def test_quaternions_stand_for_their_rotations(seed: int) -> None:
    q = torch.nn.functional.normalize(
        torch.randn(16, 4, generator=torch.Generator().manual_seed(seed)).double(), dim=-1
    )
    torch.testing.assert_close(rotations(quats_from_rotations(rotations(q))), rotations(q))
