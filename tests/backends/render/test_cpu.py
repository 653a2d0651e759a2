"""The CPU renderer against its oracle: the published rules, dense and in float64, with torch's own gradients."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.backends.render.cpu import CpuRenderer
from vistadream.core import Camera, Gaussians

MAPS = ("rgb", "z", "alpha", "extra")


def project(gaussians, camera, eps2d_px2=0.3):
    """Screen centres (n 2), inverse covariances (n 2 2) and depths, as in gsplat's `fully_fused_projection`."""
    K, pose = camera.K.double(), camera.cam_from_world.double()
    xyz = gaussians.means @ pose[:3, :3].T + pose[:3, 3]
    x, y, z = xyz.unbind(-1)
    w, i, j, k = torch.nn.functional.normalize(gaussians.quats_wxyz, dim=-1).unbind(-1)
    rows = [
        [1 - 2 * (j * j + k * k), 2 * (i * j - w * k), 2 * (i * k + w * j)],
        [2 * (i * j + w * k), 1 - 2 * (i * i + k * k), 2 * (j * k - w * i)],
        [2 * (i * k - w * j), 2 * (j * k + w * i), 1 - 2 * (i * i + j * j)],
    ]
    rotation = torch.stack([torch.stack(row, -1) for row in rows], -2)
    axes = pose[:3, :3] @ rotation * gaussians.scales[:, None, :]
    slopes = []
    for slope, size, focal, center in (
        (x / z, camera.width, K[0, 0], K[0, 2]),
        (y / z, camera.height, K[1, 1], K[1, 2]),
    ):
        limit = 0.3 * 0.5 * size / focal
        slopes.append(slope.clamp(-(center / focal + limit), (size - center) / focal + limit))
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([K[0, 0] / z, zero, -K[0, 0] * slopes[0] / z], -1),
            torch.stack([zero, K[1, 1] / z, -K[1, 1] * slopes[1] / z], -1),
        ],
        -2,
    )
    on_screen = jacobian @ axes
    covariance = on_screen @ on_screen.mT + eps2d_px2 * torch.eye(2, dtype=torch.float64)
    centers = torch.stack([K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]], -1)
    return centers, torch.linalg.inv(covariance), z


def oracle(gaussians, camera, extra):
    """rgb, z, alpha, extra and the pixels (h w) in which no decision hangs on a rounding."""
    centers, conics, z = project(gaussians, camera)
    order = torch.argsort(z.detach().float(), stable=True)
    order = order[(z[order] > 0.01) & (z[order] < 1e10)]
    v, u = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    offsets = torch.stack([u, v], -1).double() - centers[order, None, None]
    sigma = 0.5 * torch.einsum("nhwi,nij,nhwj->nhw", offsets, conics[order], offsets)
    raw = gaussians.opacities[order, None, None] * torch.exp(-sigma)
    alphas = torch.where(raw >= 1 / 255, raw.clamp(max=0.999), 0.0)
    after = torch.cumprod(1 - alphas, 0)
    before = torch.cat([torch.ones_like(after[:1]), after])[:-1]
    weights = torch.where(after > 1e-4, alphas * before, 0.0)

    def blend(values):
        return torch.einsum("nhw,nc->hwc", weights, values[order])

    alpha = weights.sum(0)
    depth = blend(z[:, None])[..., 0] / alpha.clamp_min(1e-30)
    cuts = ((raw, 1 / 255, 1e-3), (raw, 0.999, 1e-5), (after, 1e-4, 1e-3))
    unclear = torch.stack([((value / cut - 1).abs() < near).any(0) for value, cut, near in cuts]).any(0)
    return {"rgb": blend(gaussians.colors), "z": depth, "alpha": alpha, "extra": blend(extra)}, ~unclear


def random_scene(seed, n, width, height, size, stretch, opacity):
    """n Gaussians about `size` pixels wide, `stretch` times longer than thin, before a turned camera."""
    rng = torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.rand(*shape, generator=rng)

    camera = Camera.from_focal(0.8 * width, width, height, (0.45 * width, 0.55 * height))
    z = 1 + 4 * rand(n)
    u, v = (1.4 * rand(n) - 0.2) * width, (1.4 * rand(n) - 0.2) * height
    xyz = torch.stack([(u - camera.cx) * z / camera.fx, (v - camera.cy) * z / camera.fy, z], -1)
    angle, shift = rand(1).item(), torch.tensor([0.3, -0.2, 0.1])
    pose = torch.eye(4)
    pose[:2, :2] = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    pose[:3, 3] = shift
    scales = size / camera.fx * z[:, None] * stretch ** -rand(n, 3)
    means = (xyz - shift) @ pose[:3, :3]
    gaussians = Gaussians(means, rand(n, 4) * 2 - 1, scales, (opacity * rand(n)).clamp_max(1), rand(n, 3))
    return gaussians, camera.at(pose), rand(n, 2)


scenes = st.builds(
    random_scene,
    seed=st.integers(0, 2**31),
    n=st.integers(1, 60),
    width=st.integers(1, 80),
    height=st.integers(1, 40),
    size=st.floats(0.1, 20),
    stretch=st.floats(1, 30),
    opacity=st.floats(0.02, 3),
)


def with_gradients(gaussians, extra, dtype):
    values = [t.detach().to(dtype).requires_grad_() for t in (*dict(gaussians.tensors()).values(), extra)]
    return values, Gaussians(*values[:5]), values[5]


def masks(expected, clear):
    """The pixels to compare; not z under a low alpha, which is 1 - T and so 1e-7 off in float32, and divides z."""
    return {name: clear & (expected["alpha"] > 0.05) if name == "z" else clear for name in MAPS}


def random_loss(maps, where):
    """A random linear function of the maps' pixels."""
    loss = 0.0
    for seed, name in enumerate(MAPS):
        values = maps[name][where[name]].double()
        loss = loss + (torch.randn(values.shape, generator=torch.Generator().manual_seed(seed)) * values).sum()
    return loss


@settings(max_examples=60, deadline=None, derandomize=True)
@given(scenes)
def test_maps_and_gradients_equal_the_oracle(scene):
    gaussians, camera, extra = scene
    exact_values, exact_gaussians, exact_extra = with_gradients(gaussians, extra, torch.float64)
    expected, clear = oracle(exact_gaussians, camera, exact_extra)
    values, ours, our_extra = with_gradients(gaussians, extra, torch.float32)
    got = vars(CpuRenderer(threads=2)(ours, [camera], extra=our_extra)[0])
    where = masks(expected, clear)
    for name, mask in where.items():
        error = (got[name] - expected[name])[mask].abs() / expected[name].abs().max().clamp_min(1)
        assert (error <= 1e-5).all(), f"{name} is {error.max():.1e} off"
    random_loss(got, where).backward()
    random_loss(expected, where).backward()
    for name, value, exact in zip((*dict(gaussians.tensors()), "extra"), values, exact_values, strict=True):
        error = (value.grad - exact.grad).norm() / exact.grad.norm().clamp_min(0.1)
        assert error <= 1e-4, f"gradient of {name} is {error:.1e} off"
