"""Where two renderers with the same rules differ: a splat's alpha is so close to 1/255 that rounding decides.

Such a splat is blended by one of them and skipped by the other, which changes a color by up to 1/255. Pictures are
compared with those of gsplat's kernels where there is a GPU, and of plain torch in float32 everywhere.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from vistadream.backends.render.splats import FINISHED, MIN_ALPHA, alphas_at, blended, project
from vistadream.config import configured
from vistadream.core import Camera, Gaussians, View
from vistadream.ops.gaussians.lift import lift_view

RENDERER = configured("backends/render=cpu")
GSPLAT = configured("backends/render=gsplat")
SIZES = {"torch": (320, 240), "gsplat": (1024, 768)}
ROUNDING = {"torch": 3e-4, "gsplat": 2e-3}
"""Relative error of an alpha near 1/255: centers are rounded to float32 pixels, and gsplat's exp is a fast one."""


def box_room(width: int, height: int) -> tuple[Gaussians, Camera]:
    """A box seen from inside, one Gaussian of a random color for each pixel, drawn from a place nearby."""
    lens, rng = Camera.from_fov(70, width, height), torch.Generator().manual_seed(0)
    rays = lens.rays()
    walls = torch.where(rays > 0, torch.tensor([2.0, 1.2, 4.0]), torch.tensor([-2.0, -1.5, -1.0])) / rays
    z = torch.where(walls > 0, walls, torch.inf).amin(-1)
    mask = torch.ones_like(z, dtype=torch.bool)
    view = View("view", lens, torch.rand(height, width, 3, generator=rng), z, mask, mask, ~mask)
    pose = torch.eye(4)
    pose[:3, 3] = torch.tensor([0.1, 0.05, 0.05])
    return lift_view(view, 0.55, 0.5), lens.at(pose)


def in_torch(gaussians: Gaussians, camera: Camera) -> Tensor:
    """Colors by the rules of docs/renderer.md in float32."""
    splats = project(gaussians, camera, RENDERER)
    pixels, index, passed = blended(splats, camera, 0, camera.height)
    centers = torch.stack([pixels % camera.width, pixels // camera.width], -1) + 0.5
    alphas = alphas_at(splats.shapes()[index], centers - splats.centers[index])
    weights = torch.where(passed > math.log(FINISHED), alphas * passed.exp().float() / (1 - alphas), 0.0)
    rgb = torch.zeros(camera.height * camera.width, 3).index_add(0, pixels, weights[:, None] * gaussians.colors[index])
    return rgb.reshape(camera.height, camera.width, 3)


def nearest_to_threshold(gaussians: Gaussians, camera: Camera, u: int, v: int) -> float:
    """The least relative distance of a splat's alpha from 1/255 in a pixel, in double precision."""
    exact = Gaussians(*(tensor.double() for _, tensor in gaussians.tensors()))
    lens = replace(camera, K=camera.K.double(), cam_from_world=camera.cam_from_world.double())
    splats = project(exact, lens, RENDERER)
    alphas = alphas_at(splats.shapes(), torch.tensor([u + 0.5, v + 0.5]).double() - splats.centers)
    return float((alphas / MIN_ALPHA - 1).abs().min())


@torch.no_grad()
@pytest.mark.parametrize("other", SIZES)
def test_pixels_differ_only_where_rounding_decides_whether_a_splat_counts(other: str) -> None:
    if other == "gsplat" and not torch.cuda.is_available():
        pytest.skip("gsplat's kernels need an NVIDIA GPU, and torch sees none")
    gaussians, camera = box_room(*SIZES[other])
    ours = RENDERER(gaussians, [camera], want=("rgb",))[0].require("rgb")
    theirs = in_torch(gaussians, camera) if other == "torch" else GSPLAT(gaussians, [camera], want=("rgb",))[0].rgb
    difference = (ours - theirs).abs().amax(-1)
    rows, columns = torch.nonzero(difference > 1e-4, as_tuple=True)
    assert 0 < len(rows) <= 1e-4 * difference.numel(), "99.99 % of the pixels are within 1e-4"
    assert float(difference.max()) < 5e-3
    for v, u in zip(rows.tolist()[:20], columns.tolist()[:20], strict=True):
        assert nearest_to_threshold(gaussians, camera, u, v) < ROUNDING[other]
    calm = torch.nonzero(difference < 1e-5)[:: difference.numel() // 20].tolist()
    assert sum(nearest_to_threshold(gaussians, camera, u, v) < ROUNDING[other] for v, u in calm) <= len(calm) // 4
