"""Sizes that models can paint: what goes in comes out in place, and colours of the hole reach nothing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.diffusion.working_size import WorkingSize

SIDES = st.integers(1, 90)


@given(SIDES, SIDES, st.sampled_from([1, 2, 8, 16]), st.integers(16, 100))
def test_sides_are_multiples_within_the_limit_and_nothing_is_enlarged(height, width, multiple, max_px):
    size = WorkingSize.of(height, width, multiple, max_px)
    assert size.outer_height % multiple == size.outer_width % multiple == 0
    assert 0 <= size.outer_height - size.inner_height < multiple
    assert 0 <= size.outer_width - size.inner_width < multiple
    assert size.inner_height <= height
    assert size.inner_width <= width
    assert size.shrinks == (height * width > max_px**2 and (size.inner_height, size.inner_width) != (height, width))
    assert size.inner_height * size.inner_width <= (max_px + 0.5 * (height + width) / max_px + 1) ** 2


@given(SIDES, SIDES)
def test_a_picture_that_need_not_shrink_comes_back_bit_for_bit(height, width):
    size = WorkingSize.of(height, width, 16, 90)
    rgb = torch.rand(height, width, 3)
    image, mask = size.enter(rgb, torch.zeros(height, width, dtype=torch.bool))
    assert image.shape[2:] == mask.shape[2:] == (size.outer_height, size.outer_width)
    assert torch.equal(size.leave(image), rgb)
    assert int((mask == 0).sum()) == height * width, "padding is hole"


def test_a_shrunk_picture_keeps_its_place():
    """A plane of colour, affine in the pixel, is what it was after the way there and back."""
    y, x = torch.meshgrid(torch.arange(120) + 0.5, torch.arange(80) + 0.5, indexing="ij")
    rgb = torch.stack([x / 80, y / 120, 0.5 * torch.ones_like(x)], -1)
    size = WorkingSize.of(120, 80, 16, 60)
    assert size.shrinks
    image, _ = size.enter(rgb, torch.zeros(120, 80, dtype=torch.bool))
    back = size.leave(image)
    torch.testing.assert_close(back[8:-8, 8:-8], rgb[8:-8, 8:-8], atol=2e-3, rtol=0)


@pytest.mark.parametrize("max_px", [200, 48])
def test_colours_of_the_hole_reach_no_known_pixel(max_px):
    rgb, hole = torch.rand(90, 70, 3), torch.zeros(90, 70, dtype=torch.bool)
    hole[:, 33:] = True
    size = WorkingSize.of(90, 70, 16, max_px)
    one, mask = size.enter(rgb, hole)
    other, _ = size.enter(torch.where(hole[..., None], torch.rand(90, 70, 3), rgb), hole)
    assert torch.equal(one, other)
    assert torch.equal(mask, mask.round())
    share = float((mask == 0).sum()) / (size.inner_height * size.inner_width)
    assert share == pytest.approx(33 / 70, abs=1 / size.inner_width)
    assert share <= 33 / 70, "a pixel that is hole in part is hole"


@pytest.mark.parametrize(("height", "width", "max_px"), [(0, 5, 64), (5, 5, 8)])
def test_a_size_that_cannot_be_is_refused(height, width, max_px):
    with pytest.raises(ValueError, match=r"WorkingSize: got .* wanted a picture"):
        WorkingSize.of(height, width, 16, max_px)
