"""Fusion: the same surface is lifted once, what floats in free space is dropped, and each photo adds what is new."""

from dataclasses import replace

import torch

from vistadream.core import Camera, Rendering, View
from vistadream.ops.views.fusion import Fusion, by_new_surface

H, W = 24, 32
FUSION = Fusion(open_alpha=0.6, in_front=0.05, through=2, sure=0.2, tolerance=0.03)


def photo(name: str, x: float = 0.0, depth: float = 4.0) -> View:
    """A photo from (x, 0, 0) of a wall at z = `depth`."""
    pose = torch.eye(4)
    pose[0, 3] = -x
    mask = torch.ones(H, W, dtype=torch.bool)
    camera = Camera.from_focal(30.0, W, H).at(pose)
    return View(name, camera, torch.rand(H, W, 3), torch.full((H, W), depth), mask, mask, ~mask)


def seen(alpha: float, z: float) -> Rendering:
    return Rendering(alpha=torch.full((H, W), alpha), z=torch.full((H, W), z))


def test_a_pixel_is_lifted_in_holes_and_in_front_of_the_scene():
    view = photo("a")
    assert FUSION.adds(view, seen(0.2, 4.0)).all()
    assert not FUSION.adds(view, seen(1.0, 4.0)).any(), "the surface is there already"
    assert not FUSION.adds(view, seen(1.0, 3.0)).any(), "the scene has something nearer"
    assert FUSION.adds(view, seen(1.0, 4.5)).all(), "the scene lies behind"
    assert not FUSION.adds(view, seen(1.0, 4.1)).any(), "the difference is within the noise"


def test_pixels_without_depth_and_pixels_that_are_not_to_be_lifted_add_nothing():
    view = photo("a")
    assert not FUSION.adds(replace(view, z=torch.zeros(H, W)), seen(0.0, 0.0)).any()
    assert not FUSION.adds(replace(view, lift=~view.lift), seen(0.0, 0.0)).any()


def test_a_point_that_several_photos_see_through_is_dropped():
    z = torch.full((H, W), 4.0)
    z[10:12, 10:12] = 2.0
    noisy = replace(photo("a"), z=z)
    others = [photo("b", 0.1), photo("c", -0.1)]
    assert torch.equal(FUSION.floats(noisy, others), z < 3)
    assert not FUSION.floats(noisy, others[:1]).any(), "one witness is not enough"
    assert not FUSION.floats(photo("a"), others).any()


def test_the_photo_that_adds_the_most_comes_next():
    narrow = photo("narrow")
    narrow = replace(narrow, z=torch.where(torch.arange(W) < W // 2, narrow.depth, 0.0))
    same, far = photo("same", 0.05), photo("far", 3.0)
    assert by_new_surface([narrow, same, far], 0.03)[:2] == [1, 2]
