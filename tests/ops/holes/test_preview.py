"""The small stand-in for a scene covers what the scene covers."""

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Scene, View
from vistadream.ops.gaussians.lift import lift_view
from vistadream.ops.holes.preview import clustered, hole_ratios
from vistadream.ops.holes.selection import (
    FIRST_PASS_PX,
    SECOND_PASS_POSES,
    SECOND_PASS_PX,
    SelectionRule,
    score_poses,
    select_pose,
)
from vistadream.trajectories.paths import Swing

RENDERER = configured("backends/render=cpu")

H, W = 240, 320
RULE = SelectionRule(min_hole=0.001, max_hole=0.6, fallback="none")


def box_before_wall() -> Scene:
    mask = torch.ones(H, W, dtype=torch.bool)
    z = torch.full((H, W), 3.0)
    z[80:200, 140:200] = 1.0
    view = View("input", Camera.from_fov(60, W, H), torch.full((H, W, 3), 0.5), z, mask, mask, ~mask)
    return Scene((view,), lift_view(view, 0.5, 0.5))


def test_clusters_keep_area_and_centre_and_never_merge_distances() -> None:
    gaussians = box_before_wall().gaussians
    few = clustered(gaussians, torch.zeros(3), 0.02)
    assert len(few) < len(gaussians) / 10
    area = [float(g.scales.topk(2, dim=-1).values.prod(-1).double().sum()) for g in (gaussians, few)]
    assert area[1] == pytest.approx(area[0], rel=1e-3)
    z = few.means[:, 2]
    assert bool(((z - 1).abs() < 1e-3).logical_or((z - 3).abs() < 1e-3).all())


def test_clustering_does_not_care_about_an_empty_scene_or_a_cell_of_one() -> None:
    gaussians = box_before_wall().gaussians
    same = clustered(gaussians, torch.zeros(3), 1e-4)
    assert len(same) == len(gaussians)
    torch.testing.assert_close(same.means.sort(0).values, gaussians.means.sort(0).values)


def test_low_resolution_ranks_poses_as_full_size_does() -> None:
    scene = box_before_wall()
    path = Swing(0.3)(scene, 21)
    full = hole_ratios(scene.gaussians, path, RENDERER)
    scores = score_poses(scene.gaussians, path, RENDERER, [], RULE)
    choice = select_pose(scores, [], RULE)
    assert full[choice.pose] > 0.98 * max(full)
    assert choice.ratio == pytest.approx(full[choice.pose], rel=0.15)


class Counting:
    """A renderer that remembers the sizes it was asked for."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def __call__(self, gaussians: Gaussians, cameras, *, want):
        assert tuple(want) == ("alpha",)
        self.widths += [camera.width for camera in cameras]
        return RENDERER(gaussians, cameras, want=want)


def test_only_the_best_free_poses_are_looked_at_twice() -> None:
    scene, eye = box_before_wall(), Counting()
    path = Swing(0.3)(scene, 21)
    taken = [i for i in range(21) if i % 4 != 2]
    scores = score_poses(scene.gaussians, path, eye, taken, RULE)
    assert eye.widths == [FIRST_PASS_PX] * 21 + [SECOND_PASS_PX] * SECOND_PASS_POSES
    all_taken = score_poses(scene.gaussians, path, RENDERER, range(21), RULE)
    assert {i for i in range(21) if scores[i] != all_taken[i]} <= {2, 6, 10, 14, 18}
    assert scores != all_taken


def test_a_scene_too_large_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="cell_rad"):
        clustered(box_before_wall().gaussians, torch.zeros(3), 1e-9)
    assert len(clustered(Gaussians.empty(), torch.zeros(3), 0.01)) == 0
