"""Known values and invariances of the metrics."""

import math

import pytest
import torch

from vistadream.ops.evaluation.metrics import abs_rel, delta1, psnr, ssim


def test_psnr_of_a_known_error() -> None:
    a = torch.zeros(4, 4, 3)
    assert psnr(a, a) == math.inf
    assert psnr(a, a + 0.1) == pytest.approx(20.0, abs=1e-4)
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[0] = True
    b = a.clone()
    b[0] += 0.01
    assert psnr(a, b, mask) == pytest.approx(40.0, abs=1e-3)


def test_ssim_is_one_for_equal_pictures_and_falls_with_noise() -> None:
    a = torch.rand(40, 50, 3)
    assert ssim(a, a) == pytest.approx(1.0, abs=1e-6)
    little, much = ssim(a, a + 0.05 * torch.randn_like(a)), ssim(a, a + 0.3 * torch.randn_like(a))
    assert 1 > little > much > 0


def test_ssim_of_two_constants_is_its_luminance_term() -> None:
    a, b = torch.full((30, 30, 3), 0.4), torch.full((30, 30, 3), 0.6)
    want = (2 * 0.4 * 0.6 + 1e-4) / (0.4**2 + 0.6**2 + 1e-4)
    corner = torch.zeros(30, 30, dtype=torch.bool)
    corner[0, 0] = True
    assert [ssim(a, b), ssim(a, b, corner)] == pytest.approx([want, want], abs=1e-3)


def test_ssim_sees_only_its_window() -> None:
    a = torch.rand(40, 40, 3)
    b = a.clone()
    b[0, 0] = 0
    away = torch.zeros(40, 40, dtype=torch.bool)
    away[12:, 12:] = True
    assert ssim(a, b, away) == ssim(a, a, away)
    assert ssim(a, b) < ssim(a, b, away)
    assert math.isnan(ssim(a, b, away & ~away))


def test_depth_errors_of_a_scaled_map() -> None:
    truth = torch.rand(5, 6) + 1
    mask = torch.ones(5, 6, dtype=torch.bool)
    assert abs_rel(truth * 1.1, truth, mask) == pytest.approx(0.1, abs=1e-5)
    assert delta1(truth * 1.2, truth, mask) == 1
    assert delta1(truth * 1.3, truth, mask) == 0


def test_delta1_counts_what_is_less_than_a_quarter_off_either_way() -> None:
    truth = torch.full((1, 6), 4.0)
    z = torch.tensor([[4.99, 5.01, 3.21, 3.19, 4.0, 8.0]])
    assert delta1(z, truth, torch.ones(1, 6, dtype=torch.bool)) == 0.5
