"""Every stage computes on the device of its scene, and gives there the scene that it gives on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import pytest
import torch
from tests.devices.fake_device import FakeDevice
from torch import Tensor

import vistadream
from vistadream.assets import sample_image
from vistadream.backends.multi_depth.given import MeasuredDepth
from vistadream.config import configured
from vistadream.core import Camera, Scene, SparsePoints, Stage, View, silent
from vistadream.ops.fit.adam import LearningRates
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.gaussians.lift import Lifting
from vistadream.ops.views.fusion import Fusion
from vistadream.stages.initialize_photos import InitializePhotos

NO_FIT = {f"stages.{stage}.steps": 0 for stage in ("initialize", "coarse", "refine")}
FEW = {
    "max_resolution": 64,
    "stages.coarse.n_frames": 1,
    "stages.coarse.n_closing": 2,
    "stages.coarse.candidates.count": 6,
}


@pytest.fixture(scope="module")
def stages() -> Mapping[str, Stage]:
    return vistadream.job(sample_image(), stage="fine", knobs=NO_FIT | FEW).stages


@pytest.fixture(scope="module")
def scenes(stages: Mapping[str, Stage]) -> dict[str, Scene]:
    """What each stage of one photo gives, by its name."""
    made, scene = {}, Scene()
    for name, stage in stages.items():
        scene = made[name] = stage(scene, silent)
    return made


@pytest.mark.parametrize(
    ("name", "before"), [("outpaint", "load"), ("initialize", "outpaint"), ("coarse", "initialize")]
)
def test_a_stage_of_one_photo(name: str, before: str, stages: Mapping[str, Stage], scenes: dict[str, Scene]) -> None:
    with FakeDevice():
        found = stages[name](scenes[before].to("cuda"), silent)
        _assert_same(found, scenes[name])


def _photos() -> Scene:
    """Three photos of two walls with measured depth and sky, and points that all of them see."""
    rng = torch.Generator().manual_seed(0)
    u = torch.linspace(0, 1, 32).expand(24, 32)
    z, mask = torch.where(u > 0.6, 3.0, 4.0 + u), torch.ones(24, 32, dtype=torch.bool)
    lens, views = Camera.from_focal(30.0, 32, 24), []
    for i in range(3):
        pose = torch.eye(4)
        pose[0, 3] = -0.2 * i
        rgb = (0.8 + 0.1 * i) * torch.rand(24, 32, 3, generator=rng)
        views.append(View(f"p{i}", lens.at(pose), rgb, z, mask, mask, ~mask, confidence=u))
    xyz = lens.unproject(z)[4:20:4, 10:26:4].reshape(-1, 3)
    px = torch.cat([view.camera.project(xyz)[0] for view in views])
    everything, seen_by = torch.arange(len(xyz)).repeat(3), torch.arange(3).repeat_interleave(len(xyz))
    names = tuple(view.name for view in views)
    return Scene(tuple(views), points=SparsePoints(xyz, xyz / 5, xyz[:, 0], names, everything, seen_by, px))


def test_several_photos_become_one_surface() -> None:
    renderer, no_fit = (
        configured("backends/render=cpu"),
        Fitting(LearningRates(0.0, 0.0, 0.0, 0.0, 0.0), 0.0, 0.2, 0.5, 0.0),
    )
    rule = Fusion(open_alpha=0.6, in_front=0.05, through=3, sure=0.2, tolerance=0.03)
    models = MeasuredDepth(), configured("backends/depth=embedded"), renderer
    stage = InitializePhotos(*models, no_fit, Lifting(0.65, 0.5, 0.0), rule, 0, 0, 3.0, 0.08, True, seed=0)
    scene = _photos()
    wanted = stage(scene, silent)
    with FakeDevice():
        _assert_same(stage(scene.to("cuda"), silent), wanted)


def _assert_same(found: Scene, wanted: Scene) -> None:
    """Everything on the device, with the numbers of the CPU; cameras and sparse points on the CPU."""
    assert [view.name for view in found.views] == [view.name for view in wanted.views]
    pairs = [(found.gaussians, wanted.gaussians), *zip(found.views, wanted.views, strict=True)]
    for one, other in pairs:
        for field in fields(other):
            value = getattr(other, field.name)
            if isinstance(value, Tensor):
                there = getattr(one, field.name)
                assert there.device.type == "cuda", field.name
                torch.testing.assert_close(there.cpu(), value, rtol=1e-5, atol=1e-5)
        if isinstance(one, View):
            assert one.camera.K.device.type == "cpu"
