"""The default predicts nothing, so that the stage lifts the depth map."""

import pytest
import torch

from vistadream.backends.splats.lift import Lift
from vistadream.config import choose, compose
from vistadream.core import Camera, GaussianInitializer, UserError, View


def test_it_leaves_the_gaussians_to_the_stage():
    everywhere = torch.ones(2, 3, dtype=torch.bool)
    view = View("a", Camera.from_focal(3.0, 3, 2), torch.rand(2, 3, 3), None, everywhere, everywhere, ~everywhere)
    assert isinstance(Lift(), GaussianInitializer)
    assert Lift()(view, 3.0) is None


def test_it_is_the_default_and_what_auto_takes():
    for words in ([], ["backends/splats=auto"], ["backends/splats=lift"]):
        assert compose(words).build("backends.splats") == Lift()
    assert choose("splats").name == "lift"


def test_an_object_of_a_program_stands_in_its_place():
    given = object()
    assert compose([], {"splats": given}).build("stages.initialize").splats is given


def test_several_photos_do_not_read_it():
    with pytest.raises(UserError, match=r"backends/splats=lift is read by vistadream single-img alone: leave it out"):
        compose(["backends/splats=lift"], job="multi_img")
