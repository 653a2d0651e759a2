"""When a fit merges and densifies, and which knobs are refused."""

from dataclasses import replace

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, View, silent
from vistadream.ops.fit.budget import Budget
from vistadream.ops.fit.loop import LearningRates, fit
from vistadream.ops.fit.photometric import l1_dssim
from vistadream.ops.gaussians.lift import lift_view

RENDERER = configured("backends/render=cpu")

RATES = LearningRates(means=0.02, quats=0.01, scales=0.01, opacities=0.02, colors=0.01)
OFF = Budget(merge_tolerance=0.0, densify_share=0.0, min_views=2, min_error=0.05)


def wall() -> View:
    everywhere = torch.ones(24, 32, dtype=torch.bool)
    grey, z = torch.full((24, 32, 3), 0.5), torch.full((24, 32), 2.0)
    return View("v", Camera.from_fov(60, 32, 24), grey, z, everywhere, everywhere, ~everywhere)


def test_switched_off_nothing_changes() -> None:
    start = lift_view(wall(), 0.5, 0.5)
    assert OFF.merged(start, [wall()], RENDERER) is start
    assert OFF.adapt([wall()], RENDERER, 100, seed=0) is None


def test_a_fit_grows_at_a_quarter_and_at_half_of_its_steps_and_the_same_again() -> None:
    """A bright square that the start knows nothing of is found wrong; one view must do here."""
    start = lift_view(wall(), 0.5, 0.5)
    rgb = wall().rgb.clone()
    rgb[8:16, 8:16] = 1.0
    view = replace(wall(), rgb=rgb)
    budget = replace(OFF, densify_share=0.05, min_views=1)
    adapt = budget.adapt([view], RENDERER, 8, seed=0)
    asked = [step for step in sorted(adapt.due) if adapt.change(step, start) is not None]
    assert asked == [2, 4]

    def fitted() -> torch.Tensor:
        loss = lambda seen, rendering, step: l1_dssim(rendering.rgb, seen.rgb, torch.ones(24, 32), 0.2)  # noqa: E731
        made = fit(start, [view], RENDERER, loss, RATES, order=[0] * 8, observe=silent, name="t", adapt=adapt)
        return made.means

    assert len(fitted()) > len(start)
    assert torch.equal(fitted(), fitted())


@pytest.mark.parametrize(
    ("knob", "value"),
    [("merge_tolerance", -0.1), ("densify_share", 1.5), ("min_views", 0), ("min_error", float("nan"))],
)
def test_a_knob_out_of_range_is_refused_by_name(knob: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"Budget\.{knob}: got {value}"):
        replace(OFF, **{knob: value})
