"""Refining pulls the surface to its prior and flattens nothing."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import interpolate

from vistadream.backends.render.cpu import CpuRenderer
from vistadream.core import Camera, Gaussians, Scene, View, silent
from vistadream.ops.fit import LearningRates
from vistadream.ops.lift import lift_view
from vistadream.ops.metrics import psnr
from vistadream.stages.refine import Refine

RATES = LearningRates(means=0.1, quats=0.01, scales=0.01, opacities=0.02, colors=0.005)


def refine(**knobs) -> Refine:
    settings = {"steps": 40, "close_ups": 0.0}
    settings |= {"dssim": 0.2, "generated_weight": 0.5, "depth_weight": 1.0, "normal_weight": 0.05}
    return Refine(CpuRenderer(), RATES, photo_share=0.6, seed=0, **(settings | knobs))


def shaken_wall() -> Scene:
    """A slanted, textureless wall whose Gaussians were shaken along the view: only its prior knows where it is."""
    camera = Camera.from_fov(60, 48, 36)
    mask = torch.ones(36, 48, dtype=torch.bool)
    z = 2 + 0.5 * torch.linspace(0, 1, 48).expand(36, 48)
    view = View("input", camera, torch.full((36, 48, 3), 0.5), z, mask, mask, ~mask)
    gaussians = lift_view(view, 0.5, 0.5)
    noise = torch.zeros_like(gaussians.means)
    noise[:, 2] = 0.05 * torch.randn(len(gaussians), generator=torch.Generator().manual_seed(1))
    return Scene((view,), replace(gaussians, means=gaussians.means + noise))


def depth_error(scene: Scene) -> float:
    view = scene.views[0]
    with torch.no_grad():
        z = CpuRenderer()(scene.gaussians, [view.camera], want=("z",))[0].z
    return float(((z - view.z) / view.z).abs().mean())


def flatness(gaussians: Gaussians) -> torch.Tensor:
    ratio = gaussians.scales.min(-1).values / gaussians.scales.max(-1).values
    return torch.quantile(ratio, torch.tensor([0.05, 0.5]))


def test_the_depth_term_brings_the_surface_to_its_prior() -> None:
    scene = shaken_wall()
    with_prior = refine(steps=120)(scene, silent)
    without = refine(steps=120, depth_weight=0.0, normal_weight=0.0)(scene, silent)
    assert depth_error(with_prior) < 0.95 * depth_error(scene)
    assert depth_error(with_prior) < 0.85 * depth_error(without)


def test_the_surface_terms_flatten_no_gaussian() -> None:
    """Against the same fit without them: colours alone already spread the scales of a wall that was shaken."""
    scene = shaken_wall()
    without = flatness(refine(depth_weight=0.0, normal_weight=0.0)(scene, silent).gaussians)
    assert bool((flatness(refine()(scene, silent).gaussians) > 0.95 * without).all())


def test_views_are_handed_on_and_the_seed_decides() -> None:
    scene = shaken_wall()
    first, again = refine(steps=5)(scene, silent), refine(steps=5)(scene, silent)
    assert first.views == scene.views
    assert torch.equal(first.gaussians.means, again.gaussians.means)


def test_close_ups_keep_a_scene_whole_at_twice_its_size() -> None:
    """On a picture with detail, which a fit at one size follows with ever smaller Gaussians."""
    noise = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(2))
    soft, large = (interpolate(noise, size=size, mode="bicubic").clamp(0, 1)[0] for size in ((36, 48), (72, 96)))
    wall = replace(shaken_wall().views[0], rgb=soft.permute(1, 2, 0))
    scene = Scene((wall,), lift_view(wall, 0.5, 0.5))
    found = []
    for close_ups in (0.0, 0.5):
        made = refine(steps=60, close_ups=close_ups)(scene, silent)
        with torch.no_grad():
            seen = CpuRenderer()(made.gaussians, [wall.camera.resize(96, 72)])[0]
        found.append((float((seen.alpha < 0.9).float().mean()), psnr(seen.rgb, large.permute(1, 2, 0))))
    (open_before, psnr_before), (open_after, psnr_after) = found
    assert open_after < 0.3 * open_before
    assert psnr_after > psnr_before + 4


def test_a_share_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Refine\.photo_share"):
        Refine(CpuRenderer(), RATES, 1, 0.0, 0.2, 0.5, 0.1, 0.1, photo_share=0.0, seed=0)
