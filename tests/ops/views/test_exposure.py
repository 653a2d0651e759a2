"""Exposure: gains that were put into photos are found again, whatever the colors of the points."""

import torch

from vistadream.core import Camera, SparsePoints, View
from vistadream.ops.views.exposure import exposure_gains

H, W = 24, 32


def photos(gains: torch.Tensor, n: int = 60, outliers: int = 0) -> tuple[list[View], SparsePoints]:
    """Photos from one place in which each point is one pixel; `outliers` points have another color in each photo."""
    generator = torch.Generator().manual_seed(1)
    base = 0.3 + 0.3 * torch.rand(H // 4, W // 4, 3, generator=generator)
    mask = torch.ones(H, W, dtype=torch.bool)
    row, column = torch.randint(1, H - 1, (n,), generator=generator), torch.randint(1, W - 1, (n,), generator=generator)
    row, column = row // 4 * 4 + 1, column // 4 * 4 + 1  # in the middle of a block of one color
    views, px = [], torch.stack([column, row], dim=-1) + 0.5
    for i, gain in enumerate(gains):
        rgb = base.repeat_interleave(4, 0).repeat_interleave(4, 1).clone()
        rgb[row[:outliers], column[:outliers]] = torch.rand(outliers, 3, generator=generator)
        views.append(View(f"v{i}", Camera.from_focal(30.0, W, H), (rgb * gain).clamp(0, 1), None, mask, mask, ~mask))
    index = torch.arange(n)
    points = SparsePoints(
        torch.zeros(n, 3),
        torch.zeros(n, 3),
        torch.zeros(n),
        tuple(view.name for view in views),
        index.repeat(len(views)),
        torch.arange(len(views)).repeat_interleave(n),
        px.repeat(len(views), 1),
    )
    return views, points


GAINS = torch.tensor([[1.2, 1.1, 1.0], [0.9, 0.9, 1.1], [1.0, 1.0, 0.8]])


def relative(gains: torch.Tensor) -> torch.Tensor:
    return gains / gains.log().mean(dim=0).exp()


def test_gains_are_found_up_to_the_mean():
    torch.testing.assert_close(exposure_gains(*photos(GAINS)), relative(GAINS), atol=1e-3, rtol=0)


def test_photos_of_the_same_exposure_have_the_gain_one():
    torch.testing.assert_close(exposure_gains(*photos(torch.ones(3, 3))), torch.ones(3, 3), atol=1e-5, rtol=0)


def test_points_that_look_different_in_each_photo_do_not_count():
    found = exposure_gains(*photos(GAINS, outliers=10))
    torch.testing.assert_close(found, relative(GAINS), atol=0.02, rtol=0)


def test_a_photo_without_points_keeps_its_exposure():
    views, points = photos(GAINS)
    alone = View("alone", *(getattr(views[0], n) for n in ("camera", "rgb", "z", "supervise", "lift", "generated")))
    found = exposure_gains([*views, alone], points)
    assert torch.equal(found[3], torch.ones(3))
    torch.testing.assert_close(found[:3], relative(GAINS), atol=1e-3, rtol=0)
    assert torch.equal(exposure_gains(views, SparsePoints.empty()), torch.ones(3, 3))
