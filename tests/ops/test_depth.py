"""Laws of depth maps: edges, sharpening, normals, alignment."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.core import Camera
from vistadream.ops.depth import (
    MIN_PIXELS,
    align_scale_shift,
    normals_from_depth,
    relative_depth_edges,
    sharpen_depth_edges,
    weighted_median,
)

H, W = 40, 60
CAMERA = Camera.from_focal(50.0, W, H)
ALL = torch.ones(H, W, dtype=torch.bool)


def plane_depth(camera: Camera, normal: tuple[float, float, float], distance: float) -> torch.Tensor:
    """z of the plane normal . x = distance, by ray intersection."""
    n = torch.tensor(normal)
    return distance / (camera.rays() @ (n / n.norm()))


def step(ratio: float = 1.5) -> torch.Tensor:
    z = torch.full((H, W), 2.0)
    z[:, W // 2 :] *= ratio
    return z


NORMALS = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.3, 1)).filter(
    lambda n: bool((CAMERA.rays() @ torch.tensor(n) > 0.05).all())
)


@given(NORMALS, st.floats(0.1, 100))
@settings(max_examples=30, deadline=None)
def test_planes_have_no_edges(normal, distance):
    assert not relative_depth_edges(plane_depth(CAMERA, normal, distance), ALL).any()


def test_a_floor_seen_to_within_a_pixel_of_its_horizon_has_no_edges():
    camera = Camera.from_focal(50.0, W, H, (W / 2, -1.0))
    z = plane_depth(camera, (0.0, 1.0, 0.0), 1.5)
    assert float(z.max() / z.min()) > 25
    assert not relative_depth_edges(z, ALL).any()


@given(st.floats(1.06, 10), st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_a_step_is_marked_on_both_its_sides_and_nowhere_else_in_any_unit(ratio, unit):
    edges = relative_depth_edges(unit * step(ratio), ALL)
    wanted = torch.zeros_like(ALL)
    wanted[:, W // 2 - 1 : W // 2 + 1] = True
    assert torch.equal(edges, wanted)
    assert torch.equal(edges.T, relative_depth_edges(unit * step(ratio).T, ALL.T))


def test_a_step_on_an_oblique_floor_is_marked_and_a_small_one_is_not():
    floor = plane_depth(Camera.from_focal(50.0, W, H, (W / 2, -1.0)), (0.0, 1.0, 0.0), 1.5)
    assert relative_depth_edges(floor * step(1.2), ALL)[:, W // 2 - 1 : W // 2 + 1].all()
    assert not relative_depth_edges(floor * step(1.03), ALL).any()


def test_a_pixel_floating_halfway_in_disparity_is_an_edge():
    z = step()
    z[:, W // 2] = 2 / (1 / 2.0 + 1 / 3.0)
    assert relative_depth_edges(z, ALL)[:, W // 2].all()


def test_invalid_pixels_make_no_edges():
    z, valid = step(), ALL.clone()
    valid[:, W // 2 - 1 : W // 2 + 1] = False
    z[~valid] = math.nan
    assert not relative_depth_edges(z, valid).any()


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_sharpening_leaves_no_depth_between_the_sides(width):
    z = step()
    first = W // 2 - width // 2
    z[:, first : first + width] = torch.linspace(2, 3, width + 2)[1:-1]
    sharp = sharpen_depth_edges(z, ALL)
    assert set(sharp.unique().tolist()) == {2.0, 3.0}
    assert torch.equal(sharp[:, : first - 1], z[:, : first - 1])
    assert torch.equal(sharp[:, first + width :], z[:, first + width :])


@given(NORMALS, st.floats(0.1, 100))
@settings(max_examples=20, deadline=None)
def test_sharpening_keeps_planes_and_clean_steps(normal, distance):
    z = plane_depth(CAMERA, normal, distance)
    assert torch.equal(sharpen_depth_edges(z, ALL), z)
    assert torch.equal(sharpen_depth_edges(step(), ALL), step())


def test_sharpening_neither_reads_nor_writes_invalid_pixels():
    z, valid = step(), ALL.clone()
    z[:, W // 2] = 2.4
    z[5, W // 2 - 3], valid[5, W // 2 - 3] = 0.0, False
    sharp = sharpen_depth_edges(z, valid)
    assert float(sharp[5, W // 2 - 3]) == 0
    assert set(sharp[valid].unique().tolist()) == {2.0, 3.0}


@given(NORMALS, st.floats(0.1, 100))
@settings(max_examples=20, deadline=None)
def test_the_normal_of_a_plane_is_its_normal_up_to_the_border(normal, distance):
    normals, valid = normals_from_depth(CAMERA, plane_depth(CAMERA, normal, distance), ALL)
    wanted = -torch.tensor(normal) / torch.tensor(normal).norm()
    assert valid.all()
    assert torch.allclose(normals, wanted.expand(H, W, 3), atol=3e-3)


def test_the_normals_of_a_sphere_point_from_its_centre():
    center, radius, rays = torch.tensor([0.1, -0.2, 4.0]), 1.5, CAMERA.rays()
    b, a = rays @ center, (rays * rays).sum(-1)
    root = b * b - a * (center @ center - radius**2)
    hit = root > 0.05 * b * b
    z = torch.where(hit, (b - root.clamp(min=0).sqrt()) / a, 0.0)
    normals, valid = normals_from_depth(CAMERA, z, hit)
    truth = (rays * z[..., None] - center) / radius
    inner = (normals * truth).sum(-1)[valid]
    assert torch.equal(valid, valid & hit)
    assert float(inner.median()) > 0.999
    assert ((normals * rays).sum(-1)[valid] < 0).all()


def test_normals_do_not_bend_at_an_occlusion():
    z = plane_depth(CAMERA, (0.2, 0.3, 1.0), 2.0)
    z[:, W // 2 :] = plane_depth(CAMERA, (-0.3, 0.1, 1.0), 4.0)[:, W // 2 :]
    normals, valid = normals_from_depth(CAMERA, z, ALL)
    left = -torch.tensor([0.2, 0.3, 1.0]) / math.sqrt(1.13)
    right = -torch.tensor([-0.3, 0.1, 1.0]) / math.sqrt(1.10)
    assert valid.all()
    assert torch.allclose(normals[:, : W // 2], left.expand(H, W // 2, 3), atol=1e-3)
    assert torch.allclose(normals[:, W // 2 :], right.expand(H, W // 2, 3), atol=1e-3)


def test_a_pixel_without_neighbours_has_no_normal():
    valid = torch.zeros_like(ALL)
    valid[3, 3] = True
    normals, has_normal = normals_from_depth(CAMERA, step(), valid)
    assert not has_normal.any()
    assert torch.equal(normals[3, 3], torch.tensor([0.0, 0.0, -1.0]))


@given(st.floats(0.05, 20), st.floats(-3, 3), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_planted_affine_map_is_recovered_among_a_fifth_of_outliers(scale, shift, seed):
    rng = torch.Generator().manual_seed(seed)
    x = 1 + 4 * torch.rand(1000, generator=rng)
    y = scale * x + shift
    y[:200] += scale * (1 + 30 * torch.rand(200, generator=rng))
    found = align_scale_shift(x, y, torch.ones(1000))
    assert found.reason is None
    assert found.n_pixels == 1000
    assert found.scale == pytest.approx(scale, rel=1e-3)
    assert found.shift == pytest.approx(shift, abs=1e-3 * scale + 1e-4)
    assert torch.allclose(found.apply(x)[200:], y[200:], atol=1e-2 * scale)


def test_weightless_and_unfinite_pixels_have_no_say():
    x = torch.linspace(1, 3, 300)
    y, w = 2 * x + 1, torch.ones(300)
    y[::3], w[::3] = 99.0, 0.0
    y[1::3] = math.inf
    found = align_scale_shift(x, y, w)
    assert (found.scale, found.shift) == pytest.approx((2, 1), rel=1e-5)
    assert found.n_pixels == 100


def bent(weight: float) -> float:
    """How far the alignment misses when over half of the pixels follow another line, with that weight."""
    x = torch.linspace(1, 3, 1000)
    y, w = 2 * x + 1, torch.ones(1000)
    y[::5], y[1::5], y[2::5] = 8 - x[::5], 8 - x[1::5], 8 - x[2::5]
    w[::5], w[1::5], w[2::5] = weight, weight, weight
    return float((align_scale_shift(x, y, w).apply(x) - 2 * x - 1).abs().max())


def test_the_less_a_wrong_majority_weighs_the_less_it_moves_the_line():
    missed = [bent(weight) for weight in (1.0, 0.7, 0.4, 0.1, 0.0)]
    assert missed == sorted(missed, reverse=True)
    assert missed[0] > 0.5
    assert missed[-2] < 1e-2
    assert missed[-1] < 1e-5


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1, max_size=40))
def test_a_weighted_median_is_the_median_of_values_repeated_by_their_weight(pairs):
    values, weights = torch.tensor(pairs).double().unbind(-1)
    assert weighted_median(values, weights) == values.repeat_interleave(weights.long()).median()


def test_a_falling_map_falls_back_to_the_median_ratio_and_says_why():
    x = torch.linspace(1, 3, 301)
    found = align_scale_shift(x, 8 - 2 * x, torch.ones(301))
    assert found.scale == pytest.approx(2.0)
    assert found.shift == 0
    assert "not positive" in (found.reason or "")


@pytest.mark.parametrize(("n", "scale"), [(MIN_PIXELS - 1, 3.0), (0, 1.0)])
def test_too_few_pixels_fall_back_to_the_median_ratio(n, scale):
    x = torch.linspace(1, 2, n)
    found = align_scale_shift(x, 3 * x, torch.ones(n))
    assert (found.scale, found.shift, found.n_pixels) == (pytest.approx(scale), 0, n)
    assert "fewer" in (found.reason or "")


def test_a_constant_source_falls_back_to_the_median_ratio():
    found = align_scale_shift(torch.full((100,), 2.0), torch.linspace(3.9, 4.1, 100), torch.ones(100))
    assert found.scale == pytest.approx(2.0, rel=1e-2)
    assert found.reason == "the source is constant"
