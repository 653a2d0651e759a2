"""Words become the first View: its size, its camera, and what a senseless knob is told."""

import numpy as np
import pytest
import torch

from vistadream.core import Source, View, silent
from vistadream.sources.lens import Lens
from vistadream.sources.prompt import Prompt


def gradient(prompt, width, height, seed):
    """A text-to-image model whose pictures tell what it was asked for."""
    picture = torch.linspace(0, 1, width).expand(height, width)[..., None].repeat(1, 1, 3)
    return (picture + 0.01 * seed + 0.001 * len(prompt)).clamp(0, 1)


def source(focal_px=None, principal_px=None, fov_x_deg=60.0, **knobs) -> Prompt:
    given = {"prompt": "a hall", "max_resolution": 100, "aspect": 1.5, "multiple": 16, "seed": 0}
    return Prompt(gradient, **given | knobs, lens=Lens(focal_px, principal_px, fov_x_deg))


def imagine(**knobs) -> View:
    (view,) = source(**knobs)(silent)
    return view


@pytest.mark.parametrize(
    ("max_resolution", "aspect", "size"),
    [(512, 1.5, (512, 336)), (1024, 1.0, (1024, 1024)), (512, 0.5, (256, 512)), (100, 4.0, (96, 32))],
)
def test_the_long_side_is_max_resolution_and_the_sides_are_multiples(max_resolution, aspect, size):
    camera = imagine(max_resolution=max_resolution, aspect=aspect).camera
    assert (camera.width, camera.height) == size


def test_the_view_is_what_was_made_to_the_last_bit_of_its_file():
    view = imagine(seed=3)
    levels = view.rgb * 255
    assert torch.equal(levels, levels.round())
    assert float((view.rgb - gradient("a hall", 96, 64, 3)).abs().max()) <= 0.5 / 255 + 1e-6
    assert bool(view.supervise.all())
    assert bool(view.lift.all())
    assert not bool(view.generated.any()), "for what follows it is the photograph"
    assert isinstance(source(), Source)


def test_seed_and_words_reach_the_imaginer():
    assert not torch.equal(imagine(seed=1).rgb, imagine(seed=2).rgb)
    assert not torch.equal(imagine(prompt="a hall of mirrors").rgb, imagine().rgb)


def test_the_camera_is_the_one_asked_for_else_open_to_the_depth_model():
    guess = imagine()
    assert not guess.focal_known
    assert guess.camera.fx == pytest.approx(48 / np.tan(np.radians(30)))
    known = imagine(focal_px=80.0, principal_px=[40, 30])
    assert known.focal_known
    assert (known.camera.fx, known.camera.cx, known.camera.cy) == (80, 40, 30)


BAD = [
    {"prompt": "  "},
    {"max_resolution": 63},
    {"aspect": 5.0},
    {"aspect": 0.0},
    {"multiple": 0},
    {"focal_px": -1.0},
    {"focal_px": float("inf")},
]
BAD += [{"principal_px": [1]}, {"fov_x_deg": 200.0}]


@pytest.mark.parametrize("knobs", BAD, ids=str)
def test_a_senseless_knob_is_refused_by_name(knobs):
    with pytest.raises(ValueError, match=rf"\.{next(iter(knobs))}: got .* wanted"):
        source(**knobs)
