"""sRGB and linear light, against the values of the standard."""

import pytest
import torch

from vistadream.ops.image.linear_rgb import linear_from_srgb, srgb_from_linear


def test_colors_come_back():
    srgb = torch.linspace(0, 1, 4097)
    torch.testing.assert_close(srgb_from_linear(linear_from_srgb(srgb)), srgb, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("srgb", "linear"), [(0.0, 0.0), (0.04045, 0.0031308), (0.5, 0.2140411), (0.735357, 0.5), (1.0, 1.0)]
)
def test_values_of_the_standard(srgb, linear):
    assert float(linear_from_srgb(torch.tensor(srgb))) == pytest.approx(linear, abs=2e-6)
    assert float(srgb_from_linear(torch.tensor(linear))) == pytest.approx(srgb, abs=2e-5)


def test_what_no_screen_shows_is_cut_off():
    assert srgb_from_linear(torch.tensor([-0.5, 1.5])).tolist() == [0.0, pytest.approx(1.0, abs=1e-6)]
