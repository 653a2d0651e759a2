"""What gsplat's renderer does around gsplat's function makes the CPU wait for nothing in a step of a fit.

The function itself needs an NVIDIA GPU; here a blend of all Gaussians in plain torch takes its arguments.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tests.devices.fake_device import FakeDevice
from torch import Tensor

from vistadream.config import configured
from vistadream.core import Camera, Gaussians
from vistadream.ops.fit.adam import GaussianAdam, LearningRates

MODULE = "vistadream.backends.render.gsplat"


def rasterization(
    means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor, viewmats: Tensor, Ks: Tensor,
    width: int, height: int, render_mode: str, **others: Any,
) -> tuple[Tensor, Tensor, dict]:  # fmt: skip
    """Every Gaussian in every pixel, weighted by its distance from it."""
    points = means @ viewmats[:, :3, :3].mT + viewmats[:, None, :3, 3]
    uv = points[..., :2] / points[..., 2:] @ Ks[:, :2, :2].mT + Ks[:, None, :2, 2]
    v, u = torch.meshgrid(*(torch.arange(n, device=means.device) + 0.5 for n in (height, width)), indexing="ij")
    away = (torch.stack([u, v], -1)[None, :, :, None] - uv[:, None, None]).square().sum(-1)
    weights = opacities * (quats.square().sum(-1) + scales.sum(-1)) * torch.exp(-0.1 * away)
    features = torch.cat([colors, points[..., 2:]], -1) if "ED" in render_mode else colors
    return weights @ features[:, None], weights.sum(-1, keepdim=True) / 10, {}


def some(n: int, *shape: int) -> Gaussians:
    return Gaussians(torch.rand(n, 3) + 1, torch.randn(n, 4), torch.rand(n, 3), torch.rand(n), torch.rand(n, *shape, 3))


@pytest.mark.parametrize("background", [(0, 0, 0), (1, 0.5, 0)])
def test_a_step_draws_and_copies_nothing(monkeypatch: pytest.MonkeyPatch, background: tuple[float, ...]) -> None:
    monkeypatch.setattr(f"{MODULE}._gpu", lambda: torch.device("cuda", 0))
    monkeypatch.setattr(f"{MODULE}.packages.load", lambda name: SimpleNamespace(rasterization=rasterization))
    renderer = replace(configured("backends/render=gsplat"), background=background)
    cameras = [Camera.from_fov(60, 16, 12), Camera.from_fov(70, 16, 12)]
    with FakeDevice() as device:
        adam = GaussianAdam(some(9).to("cuda"), LearningRates(0.1, 0.1, 0.1, 0.1, 0.1))
        for step in range(6):
            if step == 2:  # each camera was copied once
                device.crossings.clear()
            drawn = renderer(adam.gaussians(), [cameras[step % 2]], want=("rgb", "z", "alpha"))[0]
            (drawn.rgb.sum() + drawn.z.sum() + drawn.alpha.sum()).backward()
            adam.step(1.0)
        assert not device.crossings
        drawn = renderer(adam.gaussians(), cameras * 2, want=("rgb",))
        assert len(drawn) == 4
        assert len(device.crossings) == 2  # the poses and the intrinsics of all
