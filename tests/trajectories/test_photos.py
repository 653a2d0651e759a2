"""The path of several photos: past every photo, then about the first one; only the second part is scaled."""

from dataclasses import replace

import pytest
import torch

from vistadream.core import Camera, Scene, UserError, View
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.camera_path.pose import centers_of
from vistadream.trajectories.paths import Spiral
from vistadream.trajectories.photos import Photos

SPIRAL = Spiral(radius=0.2, height=0.5, depth=0.1, turns=2)


def scene(count: int = 3, depth: float = 4.0) -> Scene:
    """Photos on a line, half a unit apart, before a wall."""
    mask = torch.ones(30, 40, dtype=torch.bool)
    views = []
    for i in range(count):
        pose = torch.eye(4)
        pose[0, 3] = -0.5 * i
        camera = Camera.from_fov(60, 40, 30).at(pose)
        views.append(View(f"p{i}", camera, torch.zeros(30, 40, 3), torch.full((30, 40), depth), mask, mask, ~mask))
    return Scene(tuple(views))


def test_the_path_passes_the_photos_in_their_order_and_ends_about_the_first():
    centers = centers_of(Photos(SPIRAL, 0.4)(scene(), 50))
    assert len(centers) == 50
    past = centers[:30]
    torch.testing.assert_close(past[0], torch.zeros(3))
    torch.testing.assert_close(past[-1], torch.tensor([1.0, 0, 0]), atol=1e-5, rtol=0)
    assert (past[:, 0].diff() > 0).all()
    torch.testing.assert_close(centers[30:], centers_of(SPIRAL(scene(), 20)))


def test_a_scaled_path_still_passes_the_photos():
    whole, half = Photos(SPIRAL, 0.4), Photos(SPIRAL, 0.4).scaled(0.5)
    a, b = centers_of(whole(scene(), 50)), centers_of(half(scene(), 50))
    assert torch.equal(a[:30], b[:30])
    assert float(b[30:].norm(dim=1).max()) == pytest.approx(float(a[30:].norm(dim=1).max()) / 2, rel=1e-3)


def test_the_places_of_photos_are_free_space_even_where_the_first_photo_sees_a_wall():
    first, second, third = scene().views
    blocked = replace(
        third, camera=third.camera.at(torch.tensor([[-1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 7], [0, 0, 0, 1]]))
    )
    across = Scene((first, second, blocked))  # the third photo was taken behind the wall, and looks back at it
    assert keep_clear(Photos(SPIRAL, 0.0), Scene((first, second)), 9).blocked == ()
    assert 8 not in keep_clear(Photos(SPIRAL, 0.0), across, 9).blocked


def test_one_photo_has_no_path():
    with pytest.raises(UserError, match="trajectory=photos passes the places of several photos"):
        Photos(SPIRAL, 0.4)(scene(1), 20)
