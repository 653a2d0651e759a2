"""Refining pulls the surface to its prior and flattens nothing."""

import json
from dataclasses import asdict, replace

import cv2
import pytest
import torch
from torch.nn.functional import interpolate

from vistadream.assets import sample_camera, sample_depth, sample_image
from vistadream.config import compose, configured
from vistadream.core import Camera, Scene, View, silent
from vistadream.ops.depth.normals import normals_from_depth
from vistadream.ops.evaluation.metrics import psnr
from vistadream.ops.fit.adam import LearningRates
from vistadream.ops.fit.budget import Budget
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.fit.loop import fit
from vistadream.ops.fit.losses import photometric
from vistadream.ops.fit.surface_loss import SurfaceTerms
from vistadream.ops.gaussians.lift import lift_view
from vistadream.ops.gaussians.shape import MAX_SHRINKAGE, Shape, scale_ratios
from vistadream.stages.refine import Refine

RENDERER = configured("backends/render=cpu")

UNCHANGED = Budget(merge_tolerance=0.0, densify_share=0.0, min_views=2, min_error=0.05)
RATES = LearningRates(means=0.1, quats=0.01, scales=0.01, opacities=0.02, colors=0.005)


def refine(steps: int = 40, zoomed_share: float = 0.0, photo_share: float = 0.6, **terms) -> Refine:
    known = {"depth": "median", "depth_weight": 1.0, "normal_weight": 0.05, "cycle_weight": 0.0}
    surface = SurfaceTerms(every=1, align_every=100, **(known | terms))
    return Refine(RENDERER, Fitting(RATES, zoomed_share, 0.2, 0.5, 0.0), surface, UNCHANGED, steps, photo_share, seed=0)


def shaken_wall(noise_m: float = 0.05) -> Scene:
    """A slanted, textureless wall whose Gaussians were shaken along the view: only its prior knows where it is."""
    camera = Camera.from_fov(60, 48, 36)
    mask = torch.ones(36, 48, dtype=torch.bool)
    z = 2 + 0.5 * torch.linspace(0, 1, 48).expand(36, 48)
    view = View("input", camera, torch.full((36, 48, 3), 0.5), z, mask, mask, ~mask)
    gaussians = lift_view(view, 0.5, 0.5)
    noise = torch.zeros_like(gaussians.means)
    noise[:, 2] = noise_m * torch.randn(len(gaussians), generator=torch.Generator().manual_seed(1))
    return Scene((view,), replace(gaussians, means=gaussians.means + noise))


def depth_error(scene: Scene, kind: str) -> float:
    view = scene.views[0]
    with torch.no_grad():
        z = getattr(RENDERER(scene.gaussians, [view.camera], want=(kind,))[0], kind)
    return float(((z - view.z) / view.z).abs().mean())


def sample_scene(width: int = 64, height: int = 48) -> Scene:
    """The sample room, small, lifted by its true depth."""
    rgb = torch.from_numpy(cv2.resize(cv2.imread(str(sample_image())), (width, height), interpolation=cv2.INTER_AREA))
    z = torch.from_numpy(cv2.imread(str(sample_depth()), cv2.IMREAD_UNCHANGED).astype("float32") / 1000)
    z = z[:: z.shape[0] // height, :: z.shape[1] // width].contiguous()
    mask = torch.ones(height, width, dtype=torch.bool)
    camera = sample_camera().resize(width, height)
    view = View("input", camera, rgb.flip(-1).float() / 255, z, mask, mask, ~mask)
    return Scene((view,), lift_view(view, 0.5, 0.5))


@pytest.mark.parametrize(("depth", "kind"), [("median", "z_median"), ("expected", "z")])
def test_the_depth_term_brings_the_surface_to_its_prior(depth: str, kind: str) -> None:
    scene = shaken_wall()
    with_prior = refine(steps=80, depth=depth)(scene, silent)
    without = refine(steps=80, depth="none")(scene, silent)
    found = [depth_error(made, kind) for made in (with_prior, scene, without)]
    assert found[0] < 0.95 * found[1], found
    assert found[0] < 0.9 * found[2], found


def test_refining_flattens_no_gaussian_of_a_real_scene() -> None:
    scene = sample_scene()
    refined = compose(["backends/render=cpu"]).build("stages.refine")(scene, silent)
    assert Shape.of(scene.gaussians).shrinkage(Shape.of(refined.gaussians)) < MAX_SHRINKAGE


def test_the_guard_notices_a_planted_loss_of_thinness() -> None:
    """The same fit with a term that no configuration can ask for."""
    scene, drawn = sample_scene(), []
    stage = compose(["backends/render=cpu"]).build("stages.refine")

    def renderer(gaussians, cameras, **maps):
        drawn[:] = [gaussians]
        return RENDERER(gaussians, cameras, **maps)

    def flattening(view, rendering, step):
        return photometric(view, rendering, 0.2, 0.5) + scale_ratios(drawn[0]).mean()

    order = [0] * stage.steps
    flat = fit(
        scene.gaussians, scene.views, renderer, flattening, stage.fitting.rates, order=order, observe=silent, name="t"
    )
    assert Shape.of(scene.gaussians).shrinkage(Shape.of(flat)) > MAX_SHRINKAGE


def test_what_became_of_priors_shapes_and_agreement_is_summed_up() -> None:
    scene, heard = shaken_wall(), {}
    blind = replace(scene.views[0], name="blind", z=None)
    refine(steps=4)(
        Scene((*scene.views, blind), scene.gaussians), lambda name, value, step=None: heard.update({name: value})
    )
    summary = heard["refine/meta"]
    assert summary.data["alignments"]["input"]["reason"] is None
    assert "fewer than 64" in summary.data["alignments"]["blind"]["reason"]
    assert "fewer than 64" in summary.text
    assert summary.data["mean"]["before"]["cycle_px"] == pytest.approx(0, abs=1e-3), "two views from one place"
    assert summary.data["shape"]["before"] == asdict(Shape.of(scene.gaussians))
    assert summary.data["views"]["blind"]["after"]["skipped"] == "the view has no depth"
    json.dumps(summary.data, allow_nan=False)
    refine(steps=1)(scene, lambda name, value, step=None: heard.update({name: value}))
    assert heard["refine/meta"].data["mean"]["after"]["cycle_px"] is None, "one view has no neighbour"


def test_prior_normals_may_be_given() -> None:
    """Every pixel of a slanted wall is to face the camera, whatever its depth says."""
    scene, facing = shaken_wall(0.0), torch.tensor([0.0, 0.0, 1.0]).expand(36, 48, 3)
    stage, cosines = refine(steps=20, depth_weight=0.0, normal_weight=1.0), []
    for normals in (None, facing):
        given = scene.with_views(replace(scene.views[0], normals=normals))
        refined, camera = stage(given, silent), scene.views[0].camera
        with torch.no_grad():
            z = RENDERER(refined.gaussians, [camera], want=("z_median",))[0].z_median
        cosines.append(float((normals_from_depth(camera, z, z > 0)[0] * -facing).sum(-1).mean()))
    assert 1 - cosines[1] < 0.95 * (1 - cosines[0])


def test_before_and_after_show_the_photo_and_without_one_the_last_view() -> None:
    scene, heard = shaken_wall(), {}
    photo = scene.views[0]
    maps = {name: getattr(photo, name)[:20, :30] for name in ("rgb", "supervise", "lift")}
    invented = replace(
        photo, name="b", camera=photo.camera.crop(0, 0, 30, 20), z=None, generated=torch.ones(20, 30) > 0, **maps
    )
    for views, shown in (((photo, invented), photo), ((invented,), invented)):
        stage = refine(steps=2)
        refined = stage(Scene(views, scene.gaussians), lambda name, value, step=None: heard.update({name: value}))
        for name, gaussians in (("before", scene.gaussians), ("after", refined.gaussians)):
            assert torch.equal(heard[f"refine/{name}"], RENDERER(gaussians, [shown.camera])[0].rgb)


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
    for zoomed_share in (0.0, 0.5):
        made = refine(steps=60, zoomed_share=zoomed_share)(scene, silent)
        with torch.no_grad():
            seen = RENDERER(made.gaussians, [wall.camera.resize(96, 72)])[0]
        found.append((float((seen.alpha < 0.9).float().mean()), psnr(seen.rgb, large.permute(1, 2, 0))))
    (open_before, psnr_before), (open_after, psnr_after) = found
    assert open_after < 0.3 * open_before
    assert psnr_after > psnr_before + 4


def test_a_share_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Refine\.photo_share"):
        refine(photo_share=0.0)
