"""Several photos become one surface: each part of it once, at one exposure, and only where depth is trusted."""

from dataclasses import replace

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, DepthPrediction, Scene, SparsePoints, UserError, View, silent
from vistadream.ops.fit.adam import LearningRates
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.gaussians.lift import Lifting
from vistadream.ops.views.fusion import Fusion
from vistadream.stages.initialize_photos import InitializePhotos

RENDERER = configured("backends/render=cpu")
H, W = 24, 32
NO_FIT = Fitting(LearningRates(0.0, 0.0, 0.0, 0.0, 0.0), 0.0, 0.2, 0.5, 0.0)
FIT = Fitting(LearningRates(0.02, 0.01, 0.01, 0.03, 0.02), 0.0, 0.2, 0.5, 0.0)


def photos(count: int = 3, shift: float = 0.2) -> tuple[View, ...]:
    """Photos from places on a line of a wall at z = 4."""
    mask = torch.ones(H, W, dtype=torch.bool)
    views = []
    for i in range(count):
        pose = torch.eye(4)
        pose[0, 3] = -shift * i
        camera = Camera.from_focal(30.0, W, H).at(pose)
        views.append(View(f"p{i}", camera, torch.full((H, W, 3), 0.5), None, mask, mask, ~mask))
    return tuple(views)


def wall(scene: Scene, valid: torch.Tensor | None = None) -> list[DepthPrediction]:
    everywhere = torch.ones(H, W, dtype=torch.bool) if valid is None else valid
    return [DepthPrediction(torch.full((H, W), 4.0), everywhere, view.camera, False) for view in scene.photos]


def flat(views):
    """A depth model that sees a wall at an unknown scale."""
    (view,) = views
    z = torch.full((view.camera.height, view.camera.width), 9.0)
    return [DepthPrediction(z, torch.ones_like(z, dtype=torch.bool), view.camera, False)]


def initialize(scene: Scene, depth=wall, observe=silent, rounds=0, steps=0, exposure=True, fitting=NO_FIT) -> Scene:
    fusion = Fusion(open_alpha=0.6, in_front=0.05, through=3, sure=0.2, tolerance=0.03)
    lifting = Lifting(0.65, 0.5, 0.0)
    stage = InitializePhotos(
        depth, flat, RENDERER, fitting, lifting, fusion, steps, rounds, 3.0, 0.08, exposure, seed=0
    )
    return stage(scene, observe)


def test_the_same_surface_is_lifted_once():
    one = len(initialize(Scene(photos(1))).gaussians)
    assert one == H * W
    same = len(initialize(Scene(photos(3, shift=0.0))).gaussians)
    assert same < 1.1 * one  # the corners of the first photo are a little open
    apart = initialize(Scene(photos(2, shift=2.0)))
    assert 1.3 * one < len(apart.gaussians) < 1.7 * one  # the second photo adds the half that the first does not show
    torch.testing.assert_close(apart.gaussians.means[:, 2], torch.full((len(apart.gaussians),), 4.0))


def test_pixels_without_trusted_depth_and_masked_pixels_are_not_lifted():
    left = (torch.arange(W) < W // 2).expand(H, W)
    (masked,) = photos(1)
    masked = replace(masked, lift=(torch.arange(H) < H // 2)[:, None].expand(H, W))
    made = initialize(Scene((masked,)), lambda scene: wall(scene, left))
    assert len(made.gaussians) == H // 2 * W // 2
    assert torch.equal(made.views[0].depth > 0, left)


def test_photos_without_any_depth_are_refused():
    with pytest.raises(UserError, match="no photo has trusted depth"):
        initialize(Scene(photos()), lambda scene: wall(scene, torch.zeros(H, W, dtype=torch.bool)))


def test_photos_of_different_exposure_become_one_color():
    first, second, third = photos(3)
    views = (replace(first, rgb=first.rgb * 1.2), second, replace(third, rgb=third.rgb * 0.9))
    n = 40
    px = torch.randint(2, H - 2, (n, 2)) + 0.5
    index, names = torch.arange(n), tuple(view.name for view in views)
    zeros = torch.zeros(n, 3)
    points = SparsePoints(
        zeros, zeros, zeros[:, 0], names, index.repeat(3), torch.arange(3).repeat_interleave(n), px.repeat(3, 1)
    )
    said = {}
    made = initialize(Scene(views, points=points), observe=lambda name, value, step=None: said.update({name: value}))
    colors = torch.stack([view.rgb.mean() for view in made.photos])
    torch.testing.assert_close(colors, colors.mean().expand(3), atol=2e-3, rtol=0)
    gains = torch.tensor([row["gain_rgb"] for row in said["initialize/summary"].data["photos"]])
    torch.testing.assert_close(gains[0] / gains[2], torch.full((3,), 1.2 / 0.9), atol=1e-2, rtol=0)
    plain = initialize(Scene(views, points=points), exposure=False)
    assert torch.equal(plain.photos[0].rgb, views[0].rgb)


def test_the_fit_shows_every_photo():
    generator = torch.Generator().manual_seed(2)
    views = tuple(replace(view, rgb=torch.rand(H, W, 3, generator=generator)) for view in photos(3, shift=0.0))
    losses: dict[int, float] = {}

    def observe(name, value, step=None):
        if name == "initialize/loss":
            losses[step] = value

    initialize(Scene(views), observe=observe, rounds=3, fitting=FIT)
    assert sorted(losses) == list(range(9))
    assert len({round(value, 3) for value in list(losses.values())[:3]}) == 3, (
        "each of the first steps shows another one"
    )


def test_the_border_of_the_first_photo_continues_the_scene():
    first, second = photos(2)
    ring = torch.ones(H + 8, W + 8, dtype=torch.bool)
    ring[4:-4, 4:-4] = False
    camera = first.camera.pad(4, 4, 4, 4)
    rgb = torch.full((*ring.shape, 3), 0.5)
    canvas = View("outpaint", camera, rgb, None, ring | True, ring, ring, origin="canvas", extends=first.name)
    made = initialize(Scene((first, second, canvas)))
    without = initialize(Scene((first, second)))
    added = made.gaussians.means[len(without.gaussians) :]
    assert 0.5 * ring.sum() < len(added) < ring.sum(), "the second photo shows a part of the border"
    torch.testing.assert_close(added[:, 2], torch.full((len(added),), 4.0), atol=0.1, rtol=0)


def test_each_photo_is_shown_by_its_name_with_what_the_fit_makes_of_it():
    seen = {}
    made = initialize(Scene(photos(2)), observe=lambda name, value, step=None: seen.update({name: value}))
    for photo in made.photos:
        assert seen[f"initialize/photo/{photo.name}/view"] is photo
        shown = seen[f"initialize/photo/{photo.name}/render"]()
        with torch.no_grad():
            assert torch.equal(shown, RENDERER(made.gaussians, [photo.camera])[0].rgb)


def test_the_sky_becomes_a_far_shell_that_is_lifted_once():
    top = (torch.arange(H) < H // 2)[:, None].expand(H, W)

    def outdoors(scene: Scene) -> list[DepthPrediction]:
        return [replace(each, sky=top) for each in wall(scene, ~top)]

    one, two = (initialize(Scene(photos(count, shift=0.0)), outdoors) for count in (1, 2))
    far = one.gaussians.means.norm(dim=-1) > 11
    assert int(far.sum()) > 0.8 * W * (H // 2 - 2)
    torch.testing.assert_close(one.gaussians.means[far].norm(dim=-1), torch.full((int(far.sum()),), 12.0))
    assert len(two.gaussians) < 1.1 * len(one.gaussians)
    assert not one.photos[0].supervise[H // 2 - 1].any(), "the row that mixes sky and wall is not fitted"
