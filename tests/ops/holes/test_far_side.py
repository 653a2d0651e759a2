"""The background goes on behind the foreground: as its own plane, no farther than a camera can uncover."""

import pytest
import torch

from vistadream.core import Camera
from vistadream.ops.holes.far_side import covering, far_surface

H, W = 60, 80
CAMERA = Camera.from_focal(80.0, W, H)
EVERYWHERE = torch.ones(H, W, dtype=torch.bool)


def plane(slope: float) -> torch.Tensor:
    """Depth of a wall that recedes to the right: its disparity is affine in the column."""
    return 1 / (0.25 - slope * torch.arange(W) / W).expand(H, W).contiguous()


def with_box(wall: torch.Tensor, z: float = 1.5) -> torch.Tensor:
    scene = wall.clone()
    scene[20:45, 30:50] = z
    return scene


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_a_wall_goes_on_behind_a_box_as_the_same_wall(slope: float) -> None:
    wall = plane(slope)
    far = far_surface(with_box(wall), EVERYWHERE, 100.0, 8, 4)
    assert far.pixels.any()
    torch.testing.assert_close(far.z[far.pixels], wall[far.pixels], rtol=5e-3, atol=0)


@pytest.mark.parametrize("shift_px", [4.0, 8.0, 100.0])
def test_the_layer_is_behind_the_box_and_as_wide_as_the_shift_uncovers(shift_px: float) -> None:
    wall = plane(0.0)
    z = with_box(wall)
    far = far_surface(z, EVERYWHERE, shift_px, 8, 4)
    width = min(1 + shift_px * (1 / 1.5 - 1 / 4), 8)
    assert bool((far.z[far.pixels] > 1.05 * z[far.pixels]).all())
    assert torch.equal(far.z[~far.pixels], z[~far.pixels])
    row = far.pixels[32]
    assert row.nonzero().flatten().tolist() == [*range(30, 30 + int(width)), *range(50 - int(width), 50)]


def test_who_paints_it_sees_no_foreground_near_it() -> None:
    far = far_surface(with_box(plane(0.0)), EVERYWHERE, 100.0, 6, 3)
    box = with_box(plane(0.0)) < 2
    assert torch.equal(far.unknown & ~box, far.unknown & False)
    deep_inside = torch.zeros_like(box)
    deep_inside[29:36, 39:41] = True
    assert torch.equal(far.unknown, box & ~deep_inside)


def test_one_surface_hides_nothing_however_steep() -> None:
    rows = torch.arange(H) + 0.5
    floor = (40.0 / rows).expand(W, H).T.contiguous()
    for z in (floor, plane(0.2), torch.full((H, W), 3.0)):
        far = far_surface(z, EVERYWHERE, 100.0, 10, 4)
        assert not far.pixels.any()
        assert torch.equal(far.z, z)


def test_a_surface_that_is_not_usable_is_not_continued() -> None:
    z = with_box(plane(0.0))
    assert not covering(z, torch.zeros_like(EVERYWHERE), 100.0, 8).any()
    right = torch.zeros_like(EVERYWHERE)
    right[:, 50:] = True
    columns = covering(z, right, 100.0, 8)[32].nonzero().flatten().tolist()
    assert columns == list(range(42, 50))


def test_a_picture_of_foreground_alone_has_no_far_surface() -> None:
    z = torch.full((H, W), 1.0)
    z[:, :1] = 5.0
    far = far_surface(z, EVERYWHERE, 1e6, 2 * W, 4)
    assert bool((far.z[:, 0] == 5).all())
    assert not far.pixels[:, 0].any()
