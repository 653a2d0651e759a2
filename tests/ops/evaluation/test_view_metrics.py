"""Figures of a view follow from what was planted: an error of known size shows as that size, and none as none."""

import math
from dataclasses import replace

import pytest
import torch

from vistadream.core import Camera, View
from vistadream.ops.evaluation.view_metrics import ViewMetrics, mean_metrics, view_metrics

CAMERA = Camera.from_fov(60, 40, 30)


def plane(tilt_deg: float, distance: float = 2.0) -> torch.Tensor:
    """z of a plane whose normal is turned about the y axis by so many degrees."""
    turn = math.radians(tilt_deg)
    normal = torch.tensor([math.sin(turn), 0.0, -math.cos(turn)])
    return distance * float(normal[2]) / (CAMERA.rays() @ normal)


def view(z: torch.Tensor | None) -> View:
    mask = torch.ones(30, 40, dtype=torch.bool)
    rgb = torch.rand(30, 40, 3, generator=torch.Generator().manual_seed(0)) * 0.5
    return View("v", CAMERA, rgb, z, mask, mask, ~mask)


def test_a_perfect_rendering_has_no_error() -> None:
    wall = view(plane(20))
    metrics = view_metrics(wall, wall.rgb, wall.z)
    assert metrics.psnr_db is None, "a perfect PSNR is no number that JSON knows"
    assert metrics.ssim == pytest.approx(1)
    assert (metrics.scale, metrics.shift) == pytest.approx((1, 0), abs=1e-5)
    assert (metrics.depth_abs_rel, metrics.depth_rmse, metrics.delta1) == pytest.approx((0, 0, 1), abs=1e-5)
    assert (metrics.normal_mean_deg, metrics.normal_median_deg) == pytest.approx((0, 0), abs=0.02)
    assert (metrics.valid_pixels, metrics.skipped) == (1200, None)


def test_the_prior_s_scale_and_shift_cost_nothing() -> None:
    rendered = plane(20)
    wall = view(1 / (0.4 / rendered + 0.1))
    metrics = view_metrics(wall, wall.rgb, rendered)
    assert (metrics.scale, metrics.shift) == pytest.approx((2.5, -0.25), abs=1e-4)
    assert metrics.depth_abs_rel == pytest.approx(0, abs=1e-4)
    assert metrics.normal_mean_deg == pytest.approx(0, abs=0.05)


def test_an_error_shows_at_its_size() -> None:
    """A tenth of the rendered depths 30 % too far, colours off by 0.1."""
    wall = view(plane(20))
    far = torch.rand(30, 40, generator=torch.Generator().manual_seed(1)) < 0.1
    metrics = view_metrics(wall, wall.rgb + 0.1, torch.where(far, 1.3 * wall.z, wall.z))
    share = float(far.float().mean())
    assert metrics.psnr_db == pytest.approx(20, abs=1e-3)
    assert metrics.depth_abs_rel == pytest.approx(0.3 * share, rel=0.02)
    assert metrics.depth_rmse == pytest.approx(float((0.3 * wall.z)[far].square().sum() / 1200) ** 0.5, rel=0.02)
    assert metrics.delta1 == pytest.approx(1 - share, abs=1e-6)


def test_given_normals_count_whatever_their_sign_and_only_where_known() -> None:
    wall = view(plane(20))
    turn = math.radians(35)
    given = torch.tensor([math.sin(turn), 0.0, -math.cos(turn)]).repeat(30, 40, 1)
    for normals in (given, -given, torch.where(torch.arange(40)[:, None] < 9, given, 0.0)):
        assert view_metrics(replace(wall, normals=normals), wall.rgb, wall.z).normal_mean_deg == pytest.approx(
            15, abs=0.05
        )
    assert view_metrics(replace(wall, normals=torch.zeros(30, 40, 3)), wall.rgb, wall.z).normal_mean_deg is None


def test_only_supervised_pixels_with_depth_count() -> None:
    wall, noise = view(plane(20)), torch.rand(30, 40)
    half = torch.arange(40).expand(30, 40) < 20
    wall = replace(wall, supervise=half)
    known = torch.where(half, wall.z, 0.0)
    spoilt = view_metrics(
        replace(wall, z=known), torch.where(half[..., None], wall.rgb, noise[..., None]), known + ~half * noise
    )
    assert spoilt.psnr_db is None
    assert spoilt.ssim is not None
    assert spoilt.valid_pixels == 600
    assert spoilt.depth_abs_rel == pytest.approx(0, abs=1e-5)


def test_what_cannot_be_compared_says_why() -> None:
    flat, wall = view(None), view(plane(20))
    assert view_metrics(flat, flat.rgb, plane(20)).skipped == "the view has no depth"
    nothing = view_metrics(wall, wall.rgb, torch.zeros(30, 40))
    assert (nothing.depth_abs_rel, nothing.valid_pixels) == (None, 0)
    assert "fewer than 64" in str(nothing.skipped)
    blind = replace(wall, supervise=torch.zeros(30, 40, dtype=torch.bool))
    assert view_metrics(blind, wall.rgb, wall.z) == ViewMetrics(skipped="0 comparable pixels, fewer than 64")


def test_means_leave_out_what_is_missing() -> None:
    means = mean_metrics([ViewMetrics(psnr_db=20.0), ViewMetrics(psnr_db=30.0, ssim=0.5), ViewMetrics()])
    assert (means["psnr_db"], means["ssim"], means["delta1"]) == (25, 0.5, None)
    assert not {"scale", "valid_pixels", "skipped"} & set(means)
