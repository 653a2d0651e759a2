"""The similarity of two sets of points."""

import json
import subprocess
import sys

import pytest
import torch

from vistadream.core import Camera
from vistadream.ops.views.similarity import Similarity, fit_similarity, fit_similarity_robustly

AXIS = torch.tensor([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]], dtype=torch.float64)  # a rotation
MOVE = Similarity(2.5, AXIS, torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))


def test_the_similarity_of_a_moved_set_is_exact():
    points = torch.randn(20, 3, dtype=torch.float64)
    found = fit_similarity(points, MOVE.points(points))
    assert found.scale == pytest.approx(2.5, rel=1e-12)
    assert torch.allclose(found.rotation, AXIS, atol=1e-12)
    assert torch.allclose(found.points(points), MOVE.points(points), atol=1e-12)


def test_a_mirrored_set_gets_a_rotation_all_the_same():
    points = torch.randn(20, 3)
    found = fit_similarity(points, points * torch.tensor([1.0, 1.0, -1.0]))
    assert float(torch.linalg.det(found.rotation)) == pytest.approx(1)


@pytest.mark.parametrize("points", [torch.randn(2, 3), torch.outer(torch.arange(5.0), torch.ones(3))])
def test_points_that_leave_the_rotation_open_are_refused(points):
    with pytest.raises(ValueError, match="wanted 3 or more"):
        fit_similarity(points, points)


def test_outliers_do_not_move_the_robust_one_and_the_same_seed_gives_the_same_bits():
    points = torch.randn(30, 3)
    target = MOVE.points(points)
    target[:10] += 5 * torch.randn(10, 3)
    found, near = fit_similarity_robustly(points, target, 0.01)
    assert near.tolist() == [False] * 10 + [True] * 20
    assert found.scale == pytest.approx(2.5, rel=1e-4)
    again, _ = fit_similarity_robustly(points, target, 0.01)
    assert again.scale == found.scale
    assert torch.equal(again.rotation, found.rotation)


def test_a_moved_camera_sees_the_moved_points_at_the_same_pixels():
    camera = Camera.from_focal(50.0, 40, 30).at(torch.block_diag(AXIS.T.float(), torch.eye(1)))
    points = torch.randn(10, 3) @ AXIS.T.float() + camera.world_from_cam[:3, 2] * 6
    px, z = camera.project(points)
    moved_px, moved_z = MOVE.camera(camera).project(MOVE.points(points))
    assert torch.allclose(moved_px, px, atol=1e-3)
    assert torch.allclose(moved_z, MOVE.scale * z, atol=1e-4)


def test_the_fit_is_colmaps():
    source, target = torch.randn(12, 3, dtype=torch.float64), torch.randn(12, 3, dtype=torch.float64)
    program = (
        "import json, sys, numpy as np, pycolmap\n"
        "source, target = map(np.array, json.load(sys.stdin))\n"
        "print(json.dumps(pycolmap.estimate_sim3d(source, target).matrix().tolist()))"
    )
    words = json.dumps([source.tolist(), target.tolist()])
    done = subprocess.run([sys.executable, "-c", program], input=words, capture_output=True, text=True, check=True)
    theirs = torch.tensor(json.loads(done.stdout), dtype=torch.float64)
    found = fit_similarity(source, target)
    assert torch.allclose(found.scale * found.rotation, theirs[:, :3], atol=1e-9)
    assert torch.allclose(found.translation, theirs[:, 3], atol=1e-9)
