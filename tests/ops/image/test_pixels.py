"""The working size never enlarges and never stretches, and the camera follows it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from vistadream.core import Camera
from vistadream.ops.image.pixels import (
    dilate,
    fit_resolution,
    focal_px_from_35mm,
    from_uint8,
    is_lens,
    pad_mask,
    resample,
    snap,
    to_uint8,
)


@given(st.integers(8, 6000), st.integers(8, 6000), st.integers(64, 2048))
def test_the_fit_keeps_aspect_and_stays_inside(width: int, height: int, limit: int) -> None:
    assume(min(width, height) * min(1, limit / max(width, height)) >= 8)
    fit = fit_resolution(width, height, limit, 8)
    left, top, right, bottom = fit.box
    assert fit.width % 8 == 0
    assert fit.height % 8 == 0
    assert max(fit.width, fit.height) <= max(limit, 8)
    assert left >= -1e-6
    assert right <= width + 1e-6
    assert top >= -1e-6
    assert bottom <= height + 1e-6
    assert (right - left) / fit.width == pytest.approx((bottom - top) / fit.height)
    assert fit.scale <= 1 + 1e-9
    assert left == pytest.approx(width - right, abs=1e-6)


def test_a_small_picture_is_not_enlarged() -> None:
    fit = fit_resolution(400, 304, 512, 8)
    assert (fit.width, fit.height, fit.scale) == (400, 304, 1.0)


@pytest.mark.parametrize("size", [(1, 1), (4000, 20)])
def test_a_picture_without_a_working_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="pixels"):
        fit_resolution(*size, 512, 8)


def test_resampling_puts_a_feature_where_the_resized_camera_says() -> None:
    """A bright square drawn around the projection of a point lies around its projection after crop and resize."""
    camera = Camera.from_fov(70, 403, 301)
    point = torch.tensor([[0.31, -0.2, 1.0]])
    u, v = camera.project(point)[0][0].tolist()
    picture = np.zeros((301, 403, 3), np.uint8)
    yy, xx = np.mgrid[0:301, 0:403] + 0.5
    picture[np.hypot(xx - u, yy - v) < 12] = 255
    fit = fit_resolution(403, 301, 200, 8)
    left, top, _right, _bottom = fit.box
    small = resample(Image.fromarray(picture), fit).mean(-1)
    K = camera.K.clone()
    K[0, 2] -= left
    K[1, 2] -= top
    K[:2] *= fit.scale
    want = (K @ point[0])[:2]
    rows, columns = torch.meshgrid(torch.arange(fit.height) + 0.5, torch.arange(fit.width) + 0.5, indexing="ij")
    got = torch.stack([(columns * small).sum(), (rows * small).sum()]) / small.sum()
    torch.testing.assert_close(got, want, atol=0.1, rtol=0)


def test_a_focal_length_is_of_the_long_side() -> None:
    assert focal_px_from_35mm(None, 4000, 3000) is None
    assert focal_px_from_35mm(36, 4000, 3000) == 4000
    assert focal_px_from_35mm(36, 3000, 4000) == 4000


@pytest.mark.parametrize("junk", [-28.0, 0.0, math.nan, math.inf, -math.inf, 1e-9, 1e9, 1e308])
def test_a_focal_length_that_no_lens_has_is_none(junk: float) -> None:
    assert focal_px_from_35mm(junk, 4000, 3000) is None


def test_a_lens_sees_a_tenth_of_a_degree_to_170() -> None:
    for degrees, holds in ((0.09, False), (0.11, True), (169, True), (171, False)):
        assert is_lens(500 / math.tan(math.radians(degrees / 2)), 1000) == holds, degrees


@given(st.integers(0, 2**32 - 1))
def test_snapped_colours_survive_eight_bits(seed: int) -> None:
    rgb = snap(torch.rand(3, 5, 3, generator=torch.Generator().manual_seed(seed)) * 1.2 - 0.1)
    assert torch.equal(from_uint8(to_uint8(rgb)), rgb)


def test_the_border_mask_is_the_border() -> None:
    mask = pad_mask(5, 7, 2, 3)
    assert mask.shape == (9, 13)
    assert int((~mask).sum()) == 35
    assert not mask[2:7, 3:10].any()


def test_dilation_grows_by_its_radius() -> None:
    mask = torch.zeros(11, 11, dtype=torch.bool)
    mask[5, 5] = True
    grown = dilate(mask, 2)
    assert grown[5, 3]
    assert grown[7, 5]
    assert not grown[5, 2]
    assert not grown[7, 7]
