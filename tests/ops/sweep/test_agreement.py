"""Agreement of depth maps that are exact, that are wrong, and seen from either side."""

import numpy as np

from vistadream.ops.sweep.agreement import agrees
from vistadream.ops.sweep.eye import eye_of


def pair(textured_plane):
    plane = textured_plane((0.3, 0.1), count=2)
    return [eye_of(view, 400) for view in plane.views], [z.numpy() for z in plane.depths]


def test_exact_maps_agree_wherever_both_see(textured_plane):
    (a, b), (za, zb) = pair(textured_plane)
    agreed = agrees(a, za, b, zb, 0.02, 1)
    seen, _ = b.camera.project(a.camera.unproject(textured_plane((0.3, 0.1), count=1).depths[0]))
    inside = ((seen >= 0).all(-1) & (seen[..., 0] < 96) & (seen[..., 1] < 72)).numpy()
    assert np.array_equal(agreed, inside)
    assert inside.mean() > 0.7


def test_agreement_is_symmetric(textured_plane):
    """A wrong depth agrees with no map, and no map agrees with it."""
    (a, b), (za, zb) = pair(textured_plane)
    wrong = za.copy()
    wrong[20:50, 30:60] *= 1.1
    forth, back = agrees(a, wrong, b, zb, 0.02, 1), agrees(b, zb, a, wrong, 0.02, 1)
    assert not forth[20:50, 30:60].any()
    missed = agrees(b, zb, a, za, 0.02, 1) & ~back
    assert abs(missed.sum() - 30 * 30) < 0.1 * 30 * 30


def test_unknown_depth_agrees_with_nothing(textured_plane):
    (a, b), (za, zb) = pair(textured_plane)
    assert not agrees(a, np.zeros_like(za), b, zb, 0.02, 1).any()
    assert not agrees(a, za, b, np.zeros_like(zb), 0.02, 1).any()


def test_the_bits_do_not_depend_on_the_threads(textured_plane):
    (a, b), (za, zb) = pair(textured_plane)
    assert np.array_equal(agrees(a, za, b, zb, 0.001, 1), agrees(a, za, b, zb, 0.001, 3))
