"""Agreement of depth maps that are exact, that are wrong, and seen from either side."""

import numpy as np

from vistadream.ops.sweep.agreement import agrees, without_speckles
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


def test_small_islands_of_depth_are_removed():
    trusted, z = np.ones((20, 30), bool), np.full((20, 30), 2, np.float32)
    z[:, 15:] = 3
    z[5:8, 5:8] = 4  # another depth inside a surface
    trusted[12:18, 3:9] = False
    trusted[14, 5:7] = True  # the same depth, but apart
    kept = without_speckles(trusted, z, 0.02, 10)
    assert not kept[5:8, 5:8].any()
    assert not kept[14, 5:7].any()
    assert kept.sum() == trusted.sum() - 9 - 2


def test_a_slope_is_no_island():
    z = np.broadcast_to(np.geomspace(1, 8, 200, dtype=np.float32), (3, 200)).copy()
    assert without_speckles(np.ones(z.shape, bool), z, 0.02, 100).all()
    assert not without_speckles(np.zeros(z.shape, bool), z, 0.02, 100).any()
