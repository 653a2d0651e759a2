"""The canvas is the photo, its border and its camera padded."""

import pytest
import torch

from vistadream.backends.caption.fixed import FixedCaption
from vistadream.core import Camera, Scene, View, silent
from vistadream.stages.outpaint import Outpaint

H, W = 30, 44


def grey(rgb, hole, prompt, seed):
    """A careless outpainter: it paints over everything."""
    return torch.full_like(rgb, 0.3)


def photo() -> Scene:
    mask = torch.ones(H, W, dtype=torch.bool)
    camera = Camera.from_focal(50.0, W, H, (20.0, 16.0))
    return Scene((View("input", camera, torch.rand(H, W, 3), None, mask, mask, ~mask, focal_known=False),))


def outpaint(expansion: float) -> Scene:
    return Outpaint(grey, FixedCaption("a room"), expansion, seed=0)(photo(), silent)


def test_the_photo_is_kept_to_the_bit_whatever_the_outpainter_did() -> None:
    scene = outpaint(0.4)
    canvas, inside = scene.view("outpaint"), ~scene.view("outpaint").generated
    assert torch.equal(canvas.rgb[inside].reshape(H, W, 3), scene.view("input").rgb)
    assert bool((canvas.rgb[~inside] - 0.3).abs().max() < 1 / 255)


def test_the_border_is_half_of_the_expansion_on_each_side() -> None:
    canvas = outpaint(0.4).view("outpaint")
    assert (canvas.camera.width, canvas.camera.height) == (W + 2 * 9, H + 2 * 6)
    assert torch.equal(canvas.lift, canvas.generated)
    assert canvas.supervise.all()


def test_the_canvas_sees_the_photo_s_rays_where_the_photo_is() -> None:
    scene = outpaint(0.4)
    window = scene.view("outpaint").camera.rays()[6 : 6 + H, 9 : 9 + W]
    torch.testing.assert_close(window, scene.view("input").camera.rays())


def test_without_expansion_nothing_is_painted() -> None:
    assert [view.name for view in outpaint(0.0).views] == ["input"]


def test_a_senseless_expansion_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Outpaint\.expansion"):
        outpaint(-0.1)
