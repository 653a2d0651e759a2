"""Features as colors: one projection for all pictures, the largest differences first, and nothing by chance."""

import torch

from vistadream.ops.image.principal_colors import principal_colors


def features(height: int, width: int, seed: int) -> torch.Tensor:
    """Features of 12 numbers, most of whose variance lies in three directions of a length of 9, 3 and 1."""
    draw = torch.Generator().manual_seed(seed)
    parts = torch.rand(height, width, 3, generator=draw) * torch.tensor([9.0, 3.0, 1.0])
    directions = torch.linalg.qr(torch.randn(12, 3, generator=torch.Generator().manual_seed(99))).Q
    return parts @ directions.T + 0.001 * torch.randn(height, width, 12, generator=draw)


def test_each_picture_keeps_its_shape_and_equal_features_their_color():
    a, b = features(5, 7, 0), features(4, 3, 1)
    b[0, 0] = a[2, 3]
    colors = principal_colors([a, b])
    assert [each.shape for each in colors] == [(5, 7, 3), (4, 3, 3)]
    assert torch.equal(colors[0][2, 3], colors[1][0, 0])
    assert all(float(each.min()) >= 0 and float(each.max()) <= 1 for each in colors)


def test_the_order_of_the_pictures_changes_no_color():
    a, b = features(5, 7, 0), features(4, 3, 1)
    for one, other in zip(principal_colors([a, b]), reversed(principal_colors([b, a])), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_red_is_the_largest_difference_then_green_then_blue():
    """Each channel rises or falls with one of the three directions, between the quantiles that are shown."""
    (colors,) = principal_colors([features(30, 30, 0)])
    directions = torch.linalg.qr(torch.randn(12, 3, generator=torch.Generator().manual_seed(99))).Q
    parts = features(30, 30, 0) @ directions
    for channel in range(3):
        inside = (colors[..., channel] > 0) & (colors[..., channel] < 1)
        pair = torch.stack([colors[..., channel][inside], parts[..., channel][inside]])
        assert abs(float(torch.corrcoef(pair)[0, 1])) > 0.95
        assert 0.75 < float(inside.double().mean()) < 0.85


def test_pictures_of_one_color_and_more_directions_than_squares_are_no_trouble():
    (flat,) = principal_colors([torch.ones(3, 4, 12)])
    assert bool(flat.isfinite().all())
    (tiny,) = principal_colors([torch.rand(1, 2, 12)])
    assert bool(tiny.isfinite().all())
