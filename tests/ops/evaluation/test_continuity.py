"""Holes, flying pixels and cycle errors of scenes whose answer is known."""

import pytest
import torch

from vistadream.core import Camera
from vistadream.ops.evaluation.continuity import cycle_error_px, cycle_errors_px, flying, largest_hole

H, W = 60, 80
CAMERA = Camera.from_fov(60, W, H)


def moved(x: float) -> Camera:
    pose = torch.eye(4)
    pose[0, 3] = -x
    return CAMERA.at(pose)


def test_the_largest_hole_is_the_largest_patch_not_their_sum() -> None:
    alpha = torch.ones(H, W)
    alpha[5:10, 5:10], alpha[30:40, 30:40] = 0.1, 0.4
    assert largest_hole(alpha) == pytest.approx(100 / (H * W))
    assert largest_hole(torch.ones(H, W)) == 0


def test_a_clean_step_has_no_flying_pixels_and_a_blurred_one_has() -> None:
    valid = torch.ones(H, W, dtype=torch.bool)
    step = torch.full((H, W), 4.0)
    step[:, :40] = 1.0
    fly, near = flying(step, valid)
    assert int(near.sum()) > 0
    assert not bool(fly.any())
    blurred = step.clone()
    blurred[:, 40] = 1.6  # disparity half-way
    fly, _ = flying(blurred, valid)
    assert fly[:, 40].all()
    assert int(fly.sum()) == H


def test_a_slanted_plane_has_no_edges_to_fly_at() -> None:
    z = 1 / torch.linspace(0.2, 1.0, W).expand(H, W)
    assert int(flying(z, z > 0)[1].sum()) == 0


@pytest.mark.parametrize("x", [0.05, 0.3, -0.2])
def test_two_views_of_one_plane_agree(x: float) -> None:
    """z = 2 + 0.5 X in the first camera's axes."""
    other = moved(x)

    def plane(camera: Camera, shift: float) -> torch.Tensor:
        return (2 + 0.5 * shift) / (1 - 0.5 * camera.rays()[..., 0])

    error = cycle_error_px(CAMERA, plane(CAMERA, 0.0), other, plane(other, x))
    assert len(error) > 0.5 * H * W
    assert float(error.quantile(0.97)) < 1e-3
    assert float(error.max()) < 0.1, "half a pixel beyond the last centre"


def test_a_wrong_depth_shows_as_its_parallax() -> None:
    """Walls at 2 and at 2.2: there with the first, back with the second."""
    x = 0.3
    error = cycle_error_px(CAMERA, torch.full((H, W), 2.0), moved(x), torch.full((H, W), 2.2))
    expected = CAMERA.fx * x * (1 / 2 - 1 / 2.2)
    assert float(error.median()) == pytest.approx(expected, rel=1e-3)


def test_what_the_other_view_cannot_see_is_not_counted() -> None:
    hidden = cycle_error_px(CAMERA, torch.full((H, W), 4.0), moved(0.1), torch.full((H, W), 1.0))
    nowhere = cycle_error_px(CAMERA, torch.zeros(H, W), moved(0.1), torch.full((H, W), 1.0))
    assert len(hidden) == len(nowhere) == 0


def test_each_view_is_compared_with_its_neighbours_both_ways() -> None:
    """Three views of a wall, of which the last has its depth wrong: two of the four ways show it."""
    wall = torch.full((H, W), 2.0)
    cameras, depths = [moved(0.1 * i) for i in range(3)], [wall, wall, 1.1 * wall]
    pairs = [cycle_error_px(cameras[i], depths[i], cameras[j], depths[j]) for i, j in ((0, 1), (1, 0), (1, 2), (2, 1))]
    errors = cycle_errors_px(cameras, depths)
    torch.testing.assert_close(errors, torch.cat(pairs))
    assert float(torch.cat(pairs[:2]).max()) < 1e-3 < 0.1 < float(torch.cat(pairs[2:]).min())
    assert len(cycle_errors_px(cameras[:1], depths[:1])) == 0
