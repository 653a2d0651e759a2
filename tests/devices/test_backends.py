"""Backends return on the device of the View or picture that they get, whatever device they compute on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from tests.devices.fake_device import FakeDevice
from torch import Tensor

from vistadream.backends.diffusion.compositing import composite
from vistadream.backends.multi_depth.filling import filled
from vistadream.backends.multi_depth.given import measured
from vistadream.backends.multi_depth.single import SingleViewDepth
from vistadream.backends.multi_depth.sweep import SweepDepth
from vistadream.backends.outpaint.flux2_klein import smooth_fill
from vistadream.config import configured
from vistadream.core import Camera, DepthPrediction, Scene, SparsePoints, View

DEPTH = configured("backends/depth=embedded")
PAINT = configured("backends/outpaint=embedded")
SWEEP = SweepDepth(
    resolution_px=64,
    planes=16,
    windows_px=[3],
    neighbors=1,
    tolerance=0.05,
    agreeing=1,
    smallest=0.0,
    fill=True,
    max_misfit=0.5,
    depth=DEPTH,
)


def _scene() -> Scene:
    """Two photos of a textured wall, and points that both see."""
    rng, lens = torch.Generator().manual_seed(0), Camera.from_focal(60.0, 64, 48)
    texture, mask = torch.rand(48, 80, 3, generator=rng), torch.ones(48, 64, dtype=torch.bool)
    z, views = torch.full((48, 64), 4.0), []
    for i in range(2):
        pose = torch.eye(4)
        pose[0, 3] = -8 * i * 4 / 60  # 8 px at the wall
        rgb = texture[:, 8 * i : 8 * i + 64].clone()
        views.append(View(f"p{i}", lens.at(pose), rgb, z, mask, mask, ~mask))
    xyz = lens.unproject(z)[4:44:4, 16:60:4].reshape(-1, 3)
    px = torch.cat([view.camera.project(xyz)[0] for view in views])
    everything, seen_by = torch.arange(len(xyz)).repeat(2), torch.arange(2).repeat_interleave(len(xyz))
    points = SparsePoints(xyz, xyz.abs() / 5, 0 * xyz[:, 0], ("p0", "p1"), everything, seen_by, px)
    return Scene(tuple(views), points=points)


def _hole(view: View) -> Tensor:
    hole = torch.zeros_like(view.lift)
    hole[10:30, 20:40] = True
    return hole


def _without_depth(scene: Scene) -> Scene:
    return replace(scene, views=tuple(replace(view, z=None) for view in scene.views))


def _filled(scene: Scene) -> DepthPrediction:
    sensor = measured(scene.anchor, True)
    return filled(replace(sensor, valid=~_hole(scene.anchor)), scene.anchor, DEPTH, 1.0)


WORKS: dict[str, Callable[[Scene], Any]] = {
    "depth": lambda scene: DEPTH([scene.anchor])[0],
    "outpaint": lambda scene: PAINT(scene.anchor.rgb, _hole(scene.anchor), "", 0),
    "composite": lambda scene: composite(0.5 * scene.anchor.rgb, scene.anchor.rgb, _hole(scene.anchor)),
    "smooth fill": lambda scene: smooth_fill(scene.anchor.rgb, _hole(scene.anchor)),
    "filled": _filled,
    "single": lambda scene: SingleViewDepth(DEPTH)(_without_depth(scene))[1],
    "sweep": lambda scene: SWEEP(_without_depth(scene))[1],
}


def _maps(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    values = [getattr(result, field.name) for field in fields(result)]
    return [value for value in values if isinstance(value, Tensor)]


@pytest.mark.parametrize("kind", ["cuda", "mps"])
@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS.keys())
def test_a_backend_returns_where_the_view_is(work: Callable[[Scene], Any], kind: str) -> None:
    scene = _scene()
    wanted = _maps(work(scene))
    with FakeDevice(kind):
        found = _maps(work(scene.to(kind)))
        assert len(found) == len(wanted) > 0
        for one, other in zip(found, wanted, strict=True):
            assert one.device.type == kind
            torch.testing.assert_close(one.cpu(), other, rtol=1e-5, atol=1e-5)
