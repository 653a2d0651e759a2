"""The second layer: it changes nothing where the photo was taken, and closes what a step to the side uncovers."""

import dataclasses

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, View, silent
from vistadream.ops.evaluation.metrics import psnr
from vistadream.ops.gaussians.lift import Lifting
from vistadream.stages.far_side import FarSide

RENDERER = configured("backends/render=cpu")
LIFTING = Lifting(0.65, 0.5, 0.0)
H, W = 60, 80
CAMERA = Camera.from_focal(80.0, W, H)
NO_SKY = torch.zeros(H, W, dtype=torch.bool)
RED, GRAY = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.5, 0.5, 0.5])


def paints_gray(rgb, hole, prompt, seed):
    assert bool((rgb[~hole] == GRAY).all(-1).float().mean() > 0.9), "the outpainter sees the red box"
    return torch.where(hole[..., None], GRAY, rgb)


def far_side(**knobs) -> FarSide:
    return FarSide(paints_gray, lambda rgb: "", **{"reach": 0.5, "widest": 0.12, "seed": 0} | knobs)


def canvas() -> View:
    """A red box before a gray wall."""
    z, rgb = torch.full((H, W), 4.0), GRAY.expand(H, W, 3).clone()
    z[20:45, 32:48], rgb[20:45, 32:48] = 1.5, RED
    everywhere = torch.ones_like(NO_SKY)
    return View("outpaint", CAMERA, rgb, z, everywhere, everywhere, NO_SKY, True, origin="canvas", extends="input")


def with_and_without() -> tuple[Gaussians, Gaussians]:
    picture = canvas()
    before = LIFTING(picture)
    return before, Gaussians.concat(before, *map(LIFTING, far_side()(picture, NO_SKY, silent)))


def seen(gaussians: Gaussians, right: float):
    pose = torch.eye(4)
    pose[0, 3] = -right
    return RENDERER(gaussians, [CAMERA.at(pose)], want=("rgb", "alpha"))[0]


def test_the_photo_s_own_view_stays_the_same() -> None:
    before, after = (seen(gaussians, 0.0).rgb for gaussians in with_and_without())
    assert float((before - after).abs().max()) < 0.15
    assert float((before - after).abs().mean()) < 2e-3
    assert psnr(after, canvas().rgb) > psnr(before, canvas().rgb) - 0.1


def test_a_step_to_the_side_shows_wall_where_there_was_a_hole() -> None:
    before, after = (seen(gaussians, 0.25) for gaussians in with_and_without())
    opened = before.require("alpha") < 0.5
    opened[:, :8] = opened[:, -8:] = False
    assert int(opened.sum()) > 100
    assert float(after.require("alpha")[opened].min()) > 0.5
    torch.testing.assert_close(after.rgb[opened].mean(0), GRAY, atol=0.1, rtol=0)


def test_the_layer_supervises_nothing_and_is_lifted_once() -> None:
    (behind,) = far_side()(canvas(), NO_SKY, silent)
    assert not behind.supervise.any()
    assert bool((behind.depth[behind.lift] > 1.05 * canvas().depth[behind.lift]).all())
    assert torch.equal(behind.rgb[~behind.lift], canvas().rgb[~behind.lift])


@pytest.mark.parametrize("case", ["no reach", "no border", "sky"])
def test_there_is_no_layer(case: str) -> None:
    picture, sky = canvas(), NO_SKY
    if case == "no border":
        picture = dataclasses.replace(picture, origin="photo", extends=None)
    if case == "sky":
        sky = picture.depth > 2
    assert far_side(reach=0.0 if case == "no reach" else 0.5)(picture, sky, silent) == ()


def test_the_embedded_outpainter_gives_the_same_layer_twice() -> None:
    painter = configured("backends/outpaint=embedded")
    torch.manual_seed(0)
    picture = dataclasses.replace(canvas(), rgb=(canvas().rgb + 0.1 * torch.rand(H, W, 3)).clamp(0, 1))
    first, again = (FarSide(painter, lambda rgb: "", 0.5, 0.12, 0)(picture, NO_SKY, silent)[0] for _ in range(2))
    assert torch.equal(first.rgb, again.rgb)
    assert torch.equal(first.depth, again.depth)
