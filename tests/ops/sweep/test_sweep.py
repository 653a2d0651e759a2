"""The depth of textured planes, which the sweep finds to half a step between its planes."""

import numpy as np
import pytest
import torch

from vistadream.ops.sweep.eye import eye_of
from vistadream.ops.sweep.sweep import PlaneSweep

NEAR, FAR, PLANES = 1.2, 4.0, 64
STEP = (1 / NEAR - 1 / FAR) / (PLANES - 1)
INNER = np.s_[12:-12, 14:-14]
"""Pixels whose windows all neighbors see."""


def sweep(plane, threads=1, **knobs):
    eyes = [eye_of(view, 400) for view in plane.views]
    return PlaneSweep(**{"planes": PLANES, "radii_px": (1, 2), "threads": threads} | knobs)(
        eyes[0], eyes[1:], NEAR, FAR
    )


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.5, -0.3), (-0.5, 0.2)])
def test_a_plane_is_exact_to_half_a_step(textured_plane, slope):
    plane = textured_plane(slope)
    error = np.abs(1 / sweep(plane).z - 1 / plane.depths[0].numpy())[INNER]
    assert np.quantile(error, 0.99) < STEP / 2
    assert np.median(error) < STEP / 5


def test_a_single_neighbor_is_enough(textured_plane):
    plane = textured_plane((0.3, 0.1), count=2)
    error = np.abs(1 / sweep(plane).z - 1 / plane.depths[0].numpy())[12:-12, 30:-30]
    assert np.quantile(error, 0.95) < STEP / 2


def test_exposure_does_not_matter(textured_plane):
    plane = textured_plane((0.3, 0.1))
    for view in plane.views[1:]:
        view.rgb.mul_(0.8).add_(0.1)
    assert np.quantile(np.abs(1 / sweep(plane).z - 1 / plane.depths[0].numpy())[INNER], 0.99) < STEP / 2


def test_the_bits_do_not_depend_on_the_threads(textured_plane):
    plane = textured_plane((0.5, -0.3))
    one, three = sweep(plane, threads=1), sweep(plane, threads=3)
    assert np.array_equal(one.z, three.z)
    assert np.array_equal(one.margin, three.margin)


def test_what_shows_no_texture_has_no_margin(textured_plane):
    plane = textured_plane()
    textured = sweep(plane).margin[INNER].mean()
    for view in plane.views:
        view.rgb[:] = 0.5
    assert sweep(plane).margin[INNER].max() < 0.01 * textured


def test_a_masked_pixel_has_no_depth_and_matches_nothing(textured_plane):
    plane = textured_plane((0.3, 0.1))
    for view in plane.views:
        view.lift[:, 60:] = False
        view.rgb[:, 60:] = torch.rand(view.rgb[:, 60:].shape)  # would mislead whoever reads it
    found = sweep(plane)
    assert (found.z[:, 60:] == 0).all()
    error = np.abs(1 / found.z[:, :56] - 1 / plane.depths[0].numpy()[:, :56])[12:-12, 14:]
    assert np.quantile(error, 0.98) < STEP
