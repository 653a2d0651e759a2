"""The relative pose of two photos."""

import math

import pytest
import torch

from vistadream.core import Camera
from vistadream.ops.views.two_view import relative_pose

FIRST = Camera.from_focal(280.0, 320, 240)


def second(x, y, z, turn_deg):
    c, s = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    pose = torch.tensor([[c, 0.0, -s, -x], [0.0, 1.0, 0.0, -y], [s, 0.0, c, -z], [0.0, 0.0, 0.0, 1.0]])
    return FIRST.at(pose)


@pytest.fixture
def pair():
    """Pixels of both cameras with a third of wrong matches, and the true second camera."""
    true = second(0.9, 0.1, 0.2, 12)
    points = torch.rand(300, 3) * torch.tensor([2.5, 2.0, 3.0]) + torch.tensor([-1.0, -1.0, 3.0])
    px1, px2 = (c.project(points)[0] + 0.2 * torch.randn(300, 2) for c in (FIRST, true))
    px2[:100] = torch.rand(100, 2) * torch.tensor([320.0, 240.0])
    return px1, px2, true


def angle_deg(R):
    return math.degrees(math.acos(min(1.0, (float(R.trace()) - 1) / 2)))


def test_the_pose_of_a_known_lens_is_found_among_wrong_matches(pair):
    px1, px2, true = pair
    found = relative_pose(px1, px2, (FIRST, FIRST), focal_known=True)
    R, t = found.cam2_from_cam1[:3, :3], found.cam2_from_cam1[:3, 3]
    assert angle_deg(R @ true.cam_from_world[:3, :3].T) < 0.5
    direction = torch.nn.functional.normalize(true.cam_from_world[:3, 3], dim=0)
    assert float(t @ direction) > math.cos(math.radians(2))
    assert float(t.norm()) == pytest.approx(1, abs=1e-5)
    assert int(found.in_front[100:].sum()) > 190
    assert int(found.in_front[:100].sum()) < 20
    assert found.cameras[0].fx == 280.0


def test_an_unknown_lens_is_one_that_puts_the_points_in_front_of_both(pair):
    px1, px2, _ = pair
    guess = Camera.from_focal(1000.0, 320, 240)
    found = relative_pose(px1, px2, (guess, guess), focal_known=False)
    assert int(found.in_front[100:].sum()) > 180
    fov_deg = 2 * math.degrees(math.atan(160 / found.cameras[0].fx))
    assert 30 < fov_deg < 90
    assert found.cameras[0].fx == found.cameras[1].fx


def test_the_same_matches_give_the_same_bits(pair):
    px1, px2, _ = pair
    first, again = (relative_pose(px1, px2, (FIRST, FIRST), focal_known=True) for _ in range(2))
    assert torch.equal(first.cam2_from_cam1, again.cam2_from_cam1)


def test_too_few_matches_have_no_pose():
    assert relative_pose(torch.rand(3, 2), torch.rand(3, 2), (FIRST, FIRST), focal_known=True) is None
