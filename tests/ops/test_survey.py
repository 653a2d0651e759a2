"""A survey is what the renderer shows of the scene; two of them side by side are JSON."""

import json
from dataclasses import replace

import pytest
import torch

from vistadream.backends.render.cpu import CpuRenderer
from vistadream.core import Camera, Scene, View
from vistadream.ops.lift import lift_view
from vistadream.ops.metrics import psnr
from vistadream.ops.survey import changes, survey, words


def wall() -> Scene:
    mask = torch.ones(24, 32, dtype=torch.bool)
    camera = Camera.from_fov(60, 32, 24)
    view = View("input", camera, torch.rand(24, 32, 3), torch.full((24, 32), 2.0), mask, mask, ~mask)
    return Scene((view, replace(view, name="blind", z=None)), lift_view(view, 0.5, 0.5))


@pytest.mark.parametrize("depth", ["z", "z_median"])
def test_each_view_is_compared_with_its_own_rendering(depth: str) -> None:
    scene = wall()
    found = survey(scene, CpuRenderer(), depth)
    seen = CpuRenderer()(scene.gaussians, [scene.views[0].camera])[0]
    assert found["input"].psnr_db == pytest.approx(psnr(seen.rgb, scene.views[0].rgb))
    assert found["input"].depth_abs_rel == pytest.approx(0, abs=2e-3)
    assert found["blind"].skipped == "the view has no depth"


def test_changes_hold_both_sides_in_words_and_as_json() -> None:
    scene = wall()
    half = Scene(scene.views, scene.gaussians.subset(torch.arange(len(scene.gaussians)) % 2 == 0))
    before, after = survey(half, CpuRenderer()), survey(scene, CpuRenderer())
    data = json.loads(json.dumps(changes(before, after), allow_nan=False))
    assert data["views"]["input"]["before"]["psnr_db"] == before["input"].psnr_db
    assert data["mean"]["after"]["depth_abs_rel"] == after["input"].depth_abs_rel
    mean = data["mean"]
    assert words(mean)[0] == f"PSNR {mean['before']['psnr_db']:.2f} to {mean['after']['psnr_db']:.2f} dB"
    assert words({"before": mean["before"], "after": dict.fromkeys(mean["after"])}) == []
