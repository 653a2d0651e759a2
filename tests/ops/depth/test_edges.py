"""Laws of depth edges and of sharpening."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.core import Camera
from vistadream.ops.depth.edges import relative_depth_edges, sharpen_depth_edges

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


@pytest.mark.parametrize("turned", [False, True])
def test_sharpening_keeps_a_steep_floor_around_what_stands_on_it(turned):
    """Depth is exact here, so nothing is to be moved, although it changes by up to a quarter from row to row."""
    z, post = plane_depth(Camera.from_focal(50.0, W, H, (W / 2, -4.0)), (0.0, 1.0, 0.0), 1.5), ~ALL
    post[:26, 28:31] = True
    z[post] = z[26, 28]
    z, post = (z.T.contiguous(), post.T) if turned else (z, post)
    assert torch.equal(sharpen_depth_edges(z, torch.ones_like(post))[~post], z[~post])


def test_sharpening_neither_reads_nor_writes_invalid_pixels():
    z, valid = step(), ALL.clone()
    z[:, W // 2] = 2.4
    z[5, W // 2 - 3], valid[5, W // 2 - 3] = 0.0, False
    sharp = sharpen_depth_edges(z, valid)
    assert float(sharp[5, W // 2 - 3]) == 0
    assert set(sharp[valid].unique().tolist()) == {2.0, 3.0}
