"""Laws of hole filling: known pixels stay, planes go on, the near side never leaks."""

import pytest
import torch

from vistadream.ops.holes.fill import blend_seam, clean_hole, complete_depth, fill_from_far_side, split_holes

H, W = 96, 128
V, U = torch.meshgrid(torch.arange(H).float(), torch.arange(W).float(), indexing="ij")


def box(top: int, bottom: int, left: int, right: int) -> torch.Tensor:
    mask = torch.zeros(H, W, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return mask


PHOTO = box(14, -14, 19, -19)
"""A photo in the middle of a canvas that is to be completed around it."""
FLOOR = 1 / (0.1 + 0.002 * V + 0.001 * U)
"""A plane: disparity affine in the pixel."""


def two_planes() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A red square before a tilted blue wall, the strip that its move uncovers, and the wall alone."""
    wall_z = 4 / (1 + 0.001 * U)
    near, hole = box(30, 70, 40, 60), box(30, 70, 60, 72)
    rgb = torch.where(near[..., None], torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0]))
    z = torch.where(near, 1.5, wall_z)
    return torch.where(hole[..., None], 0.5, rgb), torch.where(hole, 0.0, z), hole, wall_z


def test_clean_hole_drops_specks_and_covers_the_rim() -> None:
    alpha = torch.ones(H, W)
    alpha[40:60, 40:60] = 0.1
    alpha[40:60, 60] = 0.8  # half-transparent
    alpha[5, 5] = 0.0
    hole = clean_hole(alpha, 0.5, min_area=4 / alpha.numel(), grow_px=2)
    assert hole[40:60, 40:62].all()
    assert not hole[5, 5]
    assert not hole[:, 63:].any()


def test_split_holes_by_what_a_disc_fits_into() -> None:
    sliver, block, speck = box(10, 80, 5, 9), box(20, 60, 60, 100), box(85, 89, 60, 64)
    tail = box(60, 90, 80, 83)  # hangs on to the block
    thin, large = split_holes(sliver | block | speck | tail, min_area=0.02, min_width=0.1)
    assert torch.equal(thin | large, sliver | block | speck | tail)
    assert not (thin & large).any()
    assert thin[sliver | speck].all()
    assert large[22:58, 62:98].all()
    assert thin[70:90, 80:83].all()


def test_a_large_hole_at_the_border_is_large() -> None:
    border = box(0, H, 0, 20)
    _, large = split_holes(border, min_area=0.02, min_width=0.1)
    assert torch.equal(large, border)


def test_the_near_side_does_not_leak() -> None:
    rgb, z, hole, wall_z = two_planes()
    filled_rgb, filled_z = fill_from_far_side(rgb, z, hole)
    assert torch.allclose(filled_rgb[hole], torch.tensor([0, 0, 1.0]), atol=1e-4)
    assert torch.allclose(filled_z[hole], wall_z[hole], rtol=2e-3)


def test_known_pixels_come_back_untouched() -> None:
    rgb, z, hole, _ = two_planes()
    filled_rgb, filled_z = fill_from_far_side(rgb, z, hole)
    assert torch.equal(filled_rgb[~hole], rgb[~hole])
    assert torch.equal(filled_z[~hole], z[~hole])
    assert torch.equal(complete_depth(FLOOR, PHOTO)[PHOTO], FLOOR[PHOTO])
    assert torch.equal(blend_seam(1.1 * FLOOR, FLOOR, PHOTO)[PHOTO], FLOOR[PHOTO])


def test_constant_depth_stays_constant() -> None:
    assert torch.allclose(complete_depth(torch.full((H, W), 3.0), PHOTO), torch.tensor(3.0), rtol=1e-6)


def test_a_plane_is_continued_over_the_border_and_over_a_hole() -> None:
    assert torch.allclose(complete_depth(FLOOR, PHOTO), FLOOR, rtol=0.02)
    hole = box(20, 60, 50, 90)
    assert torch.allclose(complete_depth(FLOOR, ~hole), FLOOR, rtol=0.01)


def test_completed_depth_is_bounded() -> None:
    steep = 1 / (0.02 + 0.02 * (U - 19).clamp(min=0))  # its plane passes infinity inside the left border
    z = complete_depth(steep, PHOTO, max_ratio=2.0)
    low, high = steep[PHOTO].min(), steep[PHOTO].max()
    assert z.min() >= low / 2 * (1 - 1e-5)
    assert z.max() <= high * 2 * (1 + 1e-5)


def test_invalid_depth_is_never_read() -> None:
    poisoned = torch.where(PHOTO, FLOOR, torch.nan)
    assert torch.equal(complete_depth(poisoned, PHOTO), complete_depth(FLOOR, PHOTO))


def test_complete_depth_needs_a_valid_positive_pixel() -> None:
    with pytest.raises(ValueError, match="none of the"):
        complete_depth(FLOOR, torch.zeros(H, W, dtype=torch.bool))
    with pytest.raises(ValueError, match="wanted positive depth"):
        complete_depth(-FLOOR, PHOTO)


def test_the_step_at_the_seam_vanishes_and_dies_away() -> None:
    known = box(0, H, 0, 30)
    z = blend_seam(1.2 * FLOOR, FLOOR, known, decay=0.1)
    ratio = z / FLOOR
    assert (ratio[:, 30] - 1).abs().max() < 0.02
    assert (ratio[:, 31:] - ratio[:, 30:-1]).min() > -1e-4
    assert (ratio[:, -1] - 1.2).abs().max() < 0.01


def test_the_same_input_gives_the_same_bytes() -> None:
    rgb, z, hole, _ = two_planes()
    first, second = fill_from_far_side(rgb, z, hole), fill_from_far_side(rgb, z, hole)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


@pytest.mark.parametrize("size", [(1, 2), (7, 3), (2, 40)])
def test_tiny_pictures_are_filled_too(size: tuple[int, int]) -> None:
    hole = torch.zeros(size, dtype=torch.bool)
    hole[:, -1] = True
    thin, large = split_holes(hole)
    assert torch.equal(thin | large, hole)
    rgb, z = fill_from_far_side(torch.full((*size, 3), 0.5), torch.full(size, 2.0), hole)
    assert torch.allclose(rgb, torch.tensor(0.5))
    assert torch.allclose(z, torch.tensor(2.0))
