"""A scene_metrics is what the renderer shows of the scene; two of them side by side are JSON."""

import json
from dataclasses import replace

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Scene, View
from vistadream.ops.evaluation.metrics import psnr
from vistadream.ops.evaluation.scene_metrics import changes, scene_metrics, summary
from vistadream.ops.gaussians.lift import lift_view
from vistadream.ops.gaussians.shape import Shape

RENDERER = configured("backends/render=cpu")


def wall() -> Scene:
    mask = torch.ones(24, 32, dtype=torch.bool)
    camera = Camera.from_fov(60, 32, 24)
    rgb = torch.rand(24, 32, 3, generator=torch.Generator().manual_seed(0))
    view = View("input", camera, rgb, torch.full((24, 32), 2.0), mask, mask, ~mask)
    small = {"camera": camera.crop(0, 0, 30, 20)} | {
        m: getattr(view, m)[:20, :30] for m in ("rgb", "supervise", "lift", "generated")
    }
    return Scene((view, replace(view, name="blind", z=None, **small)), lift_view(view, 0.5, 0.5))


@pytest.mark.parametrize("depth", ["z", "z_median"])
def test_each_view_is_compared_with_its_own_rendering(depth: str) -> None:
    scene = wall()
    found = scene_metrics(scene, RENDERER, depth)
    seen = RENDERER(scene.gaussians, [scene.views[0].camera])[0]
    assert torch.equal(found.pictures["input"], seen.rgb)
    assert found.views["input"].psnr_db == pytest.approx(psnr(seen.rgb, scene.views[0].rgb))
    assert found.views["input"].depth_abs_rel == pytest.approx(0, abs=2e-3)
    assert found.views["blind"].skipped == "the view has no depth"
    assert found.cycle_px == pytest.approx(0, abs=1e-3), "both views look from one place"
    assert (found.gaussians, found.shape) == (len(scene.gaussians), Shape.of(scene.gaussians))


def test_changes_hold_both_sides_in_words_and_as_json() -> None:
    scene = wall()
    half = Scene(scene.views, scene.gaussians.subset(torch.arange(len(scene.gaussians)) % 2 == 0))
    before, after = (scene_metrics(s, RENDERER, "z") for s in (half, scene))
    data = json.loads(json.dumps(changes(before, after), allow_nan=False))
    assert data["gaussians"] == {"before": len(half.gaussians), "after": len(scene.gaussians)}
    assert data["views"]["input"]["before"]["psnr_db"] == before.views["input"].psnr_db
    assert data["mean"]["after"]["depth_abs_rel"] == after.views["input"].depth_abs_rel
    a, b = (data["mean"][when]["psnr_db"] for when in ("before", "after"))
    assert summary(before, after)[0] == f"PSNR {a:.2f} to {b:.2f} dB"


def test_a_scene_that_became_flatter_is_told_and_one_that_did_not_is_not() -> None:
    scene = wall()
    flat = replace(scene.gaussians, scales=scene.gaussians.scales * torch.tensor([1, 1, 0.5]))
    before, after = (
        scene_metrics(Scene(scene.views, gaussians), RENDERER, "z") for gaussians in (scene.gaussians, flat)
    )
    assert summary(before, after)[-1] == "flatter by 50%, which is too much"
    assert changes(before, after)["shape"]["shrinkage"] == pytest.approx(0.5)
    assert not any("flatter" in said for said in summary(after, before))
