"""New surfaces stay behind what earlier views saw."""

import torch

from vistadream.core import Camera, Rendering, View
from vistadream.ops.holes.visibility import hides, keep_behind_translucent, near_rim, overlapping, push_behind

H, W = 20, 30


def wall(depth: float) -> View:
    mask = torch.ones(H, W, dtype=torch.bool)
    return View("wall", Camera.from_fov(60, W, H), torch.zeros(H, W, 3), torch.full((H, W), depth), mask, mask, ~mask)


def test_a_point_hides_what_lies_behind_it_and_only_in_view() -> None:
    view = wall(2.0)
    points = torch.tensor([[0.0, 0, 1.0], [0.0, 0, 2.0], [0.0, 0, 3.0], [50.0, 0, 1.0], [0.0, 0, -1.0]])
    assert hides(points, view, 0.05).tolist() == [True, False, False, False, False]


def test_an_unseen_pixel_cannot_be_hidden() -> None:
    view = wall(0.0)
    assert not hides(torch.tensor([[0.0, 0, 1.0]]), view, 0.05).any()


def test_pushed_surfaces_hide_nothing_and_others_stay() -> None:
    view = wall(2.0)
    z = torch.full((H, W), 1.0)
    pixels = torch.zeros(H, W, dtype=torch.bool)
    pixels[5:10, 5:15] = True
    pushed, left = push_behind(view.camera, z, pixels, [view])
    assert not left.any()
    assert torch.equal(pushed[~pixels], z[~pixels])
    assert not hides(view.camera.unproject(pushed)[pixels], view, 0.05).any()
    assert float(pushed[pixels].max()) < 2.0 * 1.05, "no further than needed"


def test_what_cannot_be_pushed_far_enough_is_told() -> None:
    view = wall(1000.0)
    pixels = torch.ones(H, W, dtype=torch.bool)
    _, left = push_behind(view.camera, torch.ones(H, W), pixels, [view], max_strides=3)
    assert left.all()


def test_the_rim_is_what_stands_in_front_of_the_hole_within_reach() -> None:
    z = torch.full((H, W), 2.0)
    z[:, :10] = 1.0  # a thing in front, to the left
    hole = torch.zeros(H, W, dtype=torch.bool)
    hole[5:15, 10:14] = True
    rim = near_rim(z, hole, torch.full((H, W), 2.0), reach_px=3)
    assert rim[5:15, 7:10].all()
    assert not rim[:, :7].any(), "no further than asked"
    assert not rim[:, 10:].any(), "neither the hole nor what lies as far as it"


def test_a_new_surface_stays_behind_what_shines_through() -> None:
    hole = torch.ones(4, 6, dtype=torch.bool)
    hole[0] = False
    seen = Rendering(z=torch.full((4, 6), 3.0), alpha=torch.full((4, 6), 0.3))
    seen.alpha[:, 3:] = 0.02
    z = keep_behind_translucent(torch.full((4, 6), 2.0), seen, hole)
    assert bool((z[1:, :3] == 3).all())
    assert bool((z[1:, 3:] == 2).all())
    assert bool((z[0] == 2).all())
    assert torch.equal(keep_behind_translucent(torch.full((4, 6), 5.0), seen, hole), torch.full((4, 6), 5.0))


def test_a_new_surface_overlaps_by_a_pixel_what_it_continues_and_nothing_else() -> None:
    z = torch.full((H, W), 2.0)
    z[:, 15:] = 1.0  # an object at the right
    new = torch.zeros(H, W, dtype=torch.bool)
    new[5:10, 5:15] = True
    lapped, pixels = overlapping(z, new)
    wanted = torch.zeros_like(new)
    wanted[4:11, 4:15] = True
    assert torch.equal(pixels, wanted)
    assert torch.equal(lapped[~pixels], z[~pixels])
    assert float(lapped[pixels].min()) == float(lapped[pixels].max()) > 2.0
