"""Merging takes away what pictures do not miss, and nothing else."""

from dataclasses import replace

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, View
from vistadream.ops.evaluation.metrics import psnr
from vistadream.ops.fit.budget import merge_alike
from vistadream.ops.fit.budget.merge import _Groups
from vistadream.ops.gaussians.lift import lift_view
from vistadream.ops.gaussians.shape import scale_ratios
from vistadream.ops.image.pixels import lost_detail

RENDERER = configured("backends/render=cpu")

HEIGHT, WIDTH = 36, 48


def view(rgb: torch.Tensor, z: torch.Tensor | float = 2.0) -> View:
    everywhere = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    z = z * torch.ones(HEIGHT, WIDTH)
    return View("v", Camera.from_fov(60, WIDTH, HEIGHT), rgb, z, everywhere, everywhere, ~everywhere)


def plain() -> View:
    """A slanted wall with a soft change of colour."""
    ramp = torch.linspace(0.4, 0.6, WIDTH).expand(HEIGHT, WIDTH)
    return view(torch.stack([ramp, ramp, 1 - ramp], -1), 2 + torch.linspace(0, 0.4, WIDTH))


def noise() -> torch.Tensor:
    return torch.rand(HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(5))


def merged(seen: View, tolerance: float) -> tuple[Gaussians, Gaussians]:
    lifted = lift_view(seen, 0.5, 0.5)
    return lifted, merge_alike(lifted, [seen], RENDERER, tolerance)


def test_a_plain_wall_needs_a_tenth_and_looks_the_same() -> None:
    before, after = merged(plain(), 0.01)
    assert len(after) < 0.1 * len(before)
    want = ("rgb", "alpha", "z_median")
    shown = [RENDERER(scene, [plain().camera], want=want)[0] for scene in (before, after)]
    assert float(shown[1].alpha[2:-2, 2:-2].min()) > 0.9
    assert psnr(shown[0].rgb[2:-2, 2:-2], shown[1].rgb[2:-2, 2:-2]) > 35
    assert float((shown[0].z_median - shown[1].z_median).abs().mean()) < 0.01 * 2.2


def test_where_every_pixel_differs_nothing_is_merged() -> None:
    before, after = merged(view(noise()), 0.05)
    assert len(after) == len(before)


def test_a_tolerance_of_0_merges_nothing() -> None:
    before, after = merged(plain(), 0.0)
    assert after is before


def test_only_the_plain_half_of_a_picture_is_merged() -> None:
    left = torch.arange(WIDTH) < WIDTH // 2
    before, after = merged(view(torch.where(left[None, :, None], 0.5, noise())), 0.02)
    kept = len(after.subset(after.means[:, 0] > 0.1))
    assert kept == len(before.subset(before.means[:, 0] > 0.1))
    assert len(after.subset(after.means[:, 0] < 0)) < 0.2 * len(before.subset(before.means[:, 0] < 0))


def test_surfaces_at_two_depths_stay_apart() -> None:
    """The step runs through the middle of squares of pixels, and both sides have the same colour."""
    step = torch.where(torch.arange(WIDTH) < WIDTH // 2 + 1, 2.0, 3.0)
    _, after = merged(view(torch.full((HEIGHT, WIDTH, 3), 0.5), step), 0.02)
    z = after.means[:, 2]
    assert len(after) < 0.2 * WIDTH * HEIGHT
    assert not bool(((z > 2.4) & (z < 2.95)).any())


def test_no_gaussian_is_flattened() -> None:
    before, after = merged(plain(), 0.01)
    assert float(scale_ratios(after).min()) > 0.999 * float(scale_ratios(before).min())


def test_what_no_view_shows_stays() -> None:
    seen = plain()
    behind = replace(lift_view(seen, 0.5, 0.5), means=-lift_view(seen, 0.5, 0.5).means)
    assert len(merge_alike(behind, [seen], RENDERER, 0.05)) == len(behind)


def test_the_larger_picture_decides_where_two_show_the_same() -> None:
    """A photo that starts an odd number of pixels inside its canvas changes nothing."""
    canvas = plain()
    camera = canvas.camera.crop(1, 1, 20, 20)
    inner = {name: getattr(canvas, name)[1:21, 1:21] for name in ("rgb", "z", "supervise", "lift", "generated")}
    photo, lifted = View("photo", camera, **inner), lift_view(canvas, 0.5, 0.5)
    both = merge_alike(lifted, [photo, canvas], RENDERER, 0.01)
    assert len(both) == pytest.approx(len(merge_alike(lifted, [canvas], RENDERER, 0.01)), rel=0.02)


def test_detail_is_what_a_smaller_picture_cannot_hold() -> None:
    ramp = torch.linspace(0, 1, WIDTH)[None, :, None].expand(HEIGHT, WIDTH, 3)
    assert float(lost_detail(ramp, 2)[:, 2:-2].max()) < 1e-9
    assert float(lost_detail(noise(), 2).mean()) > 0.02
    assert float(lost_detail(noise(), 4).mean()) > float(lost_detail(noise(), 2).mean())


def test_the_heaviest_of_each_group_is_the_heaviest_on_any_number_of_cores() -> None:
    """Enough members that several threads would write, had they one place to write to."""
    weights, of = torch.rand(100_000), torch.randint(0, 50, (100_000,))
    first = _Groups(of, of.bincount(minlength=50)).heaviest(weights)
    for group in range(50):
        members = (of == group).nonzero()[:, 0]
        assert int(first[group]) == int(members[weights[members].argmax()])
