"""Each pixel of a copy shows what the picture shows along the same ray."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.depth.layout.copies import COPIES, Copy
from vistadream.backends.depth.layout.prior import pixel_rays


def read_positions(height: int, width: int) -> np.ndarray:
    """A picture whose red is the column and whose green is the row of each pixel."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([columns, rows, 0 * rows], -1)


@given(st.sampled_from(COPIES), st.integers(40, 250), st.integers(40, 250), st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_a_pixel_of_a_copy_has_the_ray_of_the_same_point_in_the_picture(copy, width, height, across, down):
    K = np.array([[200.0, 0, across * width], [0, 200, down * height], [0, 0, 1]])
    seen = copy.picture(read_positions(height, width))
    rays = pixel_rays(copy.intrinsics(K, width, height), seen.shape[1], seen.shape[0])
    rays[..., 0] *= -1 if copy.mirrored else 1
    points_px = rays @ K.T  # where these rays meet the picture
    # half a pixel for colors that are whole numbers, half for a copy whose sides are a whole number of pixels, one for
    # the interpolation at the border
    assert np.abs(points_px[..., :2] - (seen[..., :2] + 0.5)).max() < 2
    assert np.abs(points_px[..., :2] - (seen[..., :2] + 0.5)).mean() < 0.6


def test_a_copy_without_changes_is_the_picture():
    picture, K = read_positions(50, 70), np.array([[90.0, 0, 30], [0, 90, 20], [0, 0, 1]])
    assert np.array_equal(Copy().picture(picture), picture)
    assert np.array_equal(Copy().intrinsics(K, 70, 50), K)


@pytest.mark.parametrize("copy", [Copy(mirrored=True), Copy(border=0.1), Copy(mirrored=True, border=0.1)])
def test_copies_at_full_size_show_the_pixels_of_the_picture_unchanged(copy):
    height, width = 50, 70
    seen = copy.picture(read_positions(height, width))
    lost = round(copy.border * height), round(copy.border * width)
    assert seen.shape[:2] == (height - 2 * lost[0], width - 2 * lost[1])
    columns = np.arange(lost[1], width - lost[1])
    assert np.array_equal(seen[0, :, 0], columns[::-1] if copy.mirrored else columns)


def test_the_rays_of_a_mirrored_picture_are_the_mirrored_rays():
    K = np.array([[90.0, 0, 30], [0, 90, 20], [0, 0, 1]])
    mirrored = pixel_rays(Copy(mirrored=True).mirrored_intrinsics(K, 70), 70, 50)
    assert np.allclose(mirrored[:, ::-1] * [-1, 1, 1], pixel_rays(K, 70, 50))
    assert np.array_equal(Copy(border=0.1).mirrored_intrinsics(K, 70), K), "the whole picture keeps its intrinsics"


def test_half_of_the_copies_are_mirrored_and_all_differ():
    """A copy that is mirrored makes up for a search that prefers one side."""
    assert len(set(COPIES)) == len(COPIES)
    assert sum(copy.mirrored for copy in COPIES) == len(COPIES) / 2
