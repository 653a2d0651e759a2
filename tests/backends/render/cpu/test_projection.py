"""Projected splats against the reference functions that gsplat publishes in torch; no GPU is needed."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from vistadream.backends.render.cpu.profile import PROFILE
from vistadream.backends.render.cpu.projection import FEATURES, Parameters, make_lens, project
from vistadream.core import Camera

reference = pytest.importorskip("gsplat.cuda._torch_impl", reason="gsplat is not installed: see the extra dev")


COUNT = 2000


def random_parameters(seed):
    """Gaussians all around the camera, thin and thick, in float32."""
    rng = np.random.default_rng(seed)
    values = Parameters(
        means=rng.normal(0, 3, (COUNT, 3)),
        quats_wxyz=rng.normal(0, 1, (COUNT, 4)),
        scales=np.exp(rng.normal(-3, 1.5, (COUNT, 3))),
        opacities=rng.uniform(0.1, 1, COUNT),
        features=np.zeros((COUNT, 0)),
    )
    return Parameters(*(value.astype(np.float32) for value in values))


def random_camera(seed):
    """A camera with its own focal lengths and a principal point off the centre."""
    rng = torch.Generator().manual_seed(seed)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=rng, dtype=torch.float64))
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3], pose[:3, 3] = turn * torch.linalg.det(turn), torch.tensor([0.1, -0.2, 0.3])
    camera = Camera.from_focal(90, 120, 80, (50, 45))
    return dataclasses.replace(camera, K=camera.K * torch.tensor([[1.0], [1.2], [1.0]]), cam_from_world=pose)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("antialiased", [False, True])
def test_splats_equal_those_of_gsplat(seed, antialiased):
    gaussians, camera = random_parameters(seed), random_camera(seed)
    means, quats, scales, opacities, _ = (torch.from_numpy(value).double() for value in gaussians)
    covariances, _ = reference._quat_scale_to_covar_preci(quats, scales, compute_preci=False)
    radii, centers, _, conics, shares = (
        values[0]
        for values in reference._fully_fused_projection(
            means, covariances, camera.cam_from_world[None], camera.K.double()[None], 120, 80, calc_compensations=True
        )
    )
    keys, boxes = np.zeros(COUNT, np.uint64), np.zeros((COUNT, 4), np.int32)
    splats = np.zeros((COUNT, FEATURES), np.float32)
    lens = make_lens(camera, 0.01, 1e10, 0.3, antialiased, 0.0)
    project(
        0,
        COUNT,
        gaussians,
        False,
        camera.cam_from_world.numpy(),
        lens,
        keys,
        splats,
        boxes,
        np.zeros((0, PROFILE), np.float32),
    )

    drawn = torch.from_numpy(boxes[:, 2] > 0)
    assert (radii[drawn] > 0).all(), "a splat that gsplat leaves out is drawn"
    assert 100 < drawn.sum() < COUNT
    seen = torch.from_numpy(splats).double()[drawn]
    torch.testing.assert_close(seen[:, :2], centers[drawn], rtol=1e-6, atol=1e-5)
    quadratic = torch.stack([-0.5 * conics[:, 0], -conics[:, 1], -0.5 * conics[:, 2]], -1)[drawn]
    size = quadratic.abs().amax(1, keepdim=True)
    torch.testing.assert_close(seen[:, 2:5] * math.log(2) / size, quadratic / size, rtol=0, atol=1e-6)
    expected = (opacities * shares if antialiased else opacities)[drawn]
    torch.testing.assert_close(torch.exp2(seen[:, 5]), expected, rtol=1e-5, atol=0)
