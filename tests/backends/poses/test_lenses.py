"""Lenses that photos share."""

from dataclasses import replace

from vistadream.backends.poses.lenses import lenses_of


def test_photos_of_one_size_and_focal_length_share_a_lens(world):
    known = [replace(view, camera=c, focal_known=True) for view, c in zip(world.views, world.truth, strict=True)]
    zoomed = replace(known[1], camera=known[1].camera.with_focal(500.0))
    lenses, lens_of = lenses_of([*world.views[:2], known[0], zoomed, known[2]])
    assert lens_of == [0, 0, 1, 2, 1]
    assert [(lens.fx, lens.known) for lens in lenses[1:]] == [(300.0, True), (500.0, True)]


def test_only_a_guess_is_replaced_by_another(world):
    lenses, _ = lenses_of([world.views[0], replace(world.views[1], camera=world.truth[1], focal_known=True)])
    assert [lens.guessed(1.2).fx for lens in lenses] == [1.2 * 320, 300.0]
