"""Poses for new views leave the places of the photos by no more than the enlarged reach of the path about the first."""

import pytest
import torch

from vistadream.core import Camera, Scene, View, silent
from vistadream.ops.camera_path.pose import centers_of
from vistadream.stages.candidates import Candidates
from vistadream.trajectories.paths import Spiral
from vistadream.trajectories.photos import Photos

SPIRAL = Spiral(radius=0.1, height=0.4, depth=0.1, turns=2)


def photo(i: int, x: float, y: float, z: float) -> View:
    mask, pose = torch.ones(30, 40, dtype=torch.bool), torch.eye(4)
    pose[:3, 3] = -torch.tensor([x, y, z])
    camera = Camera.from_fov(60, 40, 30).at(pose)
    return View(f"p{i}", camera, torch.zeros(30, 40, 3), torch.full((30, 40), 4.0 - z), mask, mask, ~mask)


PLACES = [(0, 0, 0), (0.6, 0.3, 0.2), (0.8, -0.3, -0.2), (1.6, 0.2, 0.3), (1.7, -0.1, 0.0)]
SCENE = Scene(tuple(photo(i, *place) for i, place in enumerate(PLACES)))


def excess(overshoot: float) -> float:
    """By how much candidates leave the convex hull of the photos' places, when the path shows no hole."""
    choose = Candidates(Photos(SPIRAL, 0.4), 60, overshoot, 0)
    _, cameras = choose(SCENE, lambda cameras: False, silent)
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(500, 3, generator=generator), dim=1)
    reach, hull = (directions @ centers.T for centers in (centers_of(cameras), torch.tensor(PLACES)))
    return float((reach.max(dim=1).values - hull.max(dim=1).values).max())


@pytest.mark.parametrize("overshoot", [1.0, 1.5, 2.0])
def test_candidates_stay_within_the_overshoot_about_the_places_of_the_photos(overshoot: float) -> None:
    alone = float(centers_of(SPIRAL(SCENE, 600)).norm(dim=1).max())
    assert excess(overshoot) <= overshoot * alone


def test_a_larger_overshoot_reaches_farther() -> None:
    assert excess(2.0) > 1.5 * excess(1.0)
