"""The CPU renderer against its oracle: the published rules, dense and in float64, with torch's own gradients."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.config import configured
from vistadream.core import Camera, Gaussians

MAPS = ("rgb", "z", "alpha", "extra")


def project(gaussians, camera, eps2d_px2=0.3):
    """Screen centres (n 2), covariances (n 2 2) sharp and blurred, depths, as in gsplat's `fully_fused_projection`."""
    K, pose = camera.K.double(), camera.cam_from_world
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
    sharp = on_screen @ on_screen.mT
    centers = torch.stack([K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]], -1)
    return centers, sharp, sharp + eps2d_px2 * torch.eye(2, dtype=torch.float64), z


def sh_basis(directions, count):
    """Real spherical harmonics (n count) with the Condon-Shortley phase, by their definition."""
    x, y, z = directions.unbind(-1)
    circles = [torch.ones_like(x) + 0j]  # (x + iy)^m = (sin theta)^m (cos m phi + i sin m phi)
    columns = []
    for degree in range(math.isqrt(count)):
        for m in range(-degree, degree + 1):
            order = abs(m)
            legendre = np.polynomial.Legendre.basis(degree).convert(kind=np.polynomial.Polynomial).deriv(order)
            polar = sum(c * z**power for power, c in enumerate(legendre.coef))
            norm = (2 * degree + 1) / (4 * math.pi) * math.factorial(degree - order) / math.factorial(degree + order)
            around = circles[order].imag if m < 0 else circles[order].real
            columns.append((-1) ** order * math.sqrt(norm * (2 if m else 1)) * around * polar)
        circles.append(circles[-1] * torch.complex(x, y))
    return torch.stack(columns, -1)


def seen_colors(gaussians, camera):
    """RGB (n 3) as the camera sees them."""
    if gaussians.colors.dim() == 2:
        return gaussians.colors
    away = gaussians.means - torch.linalg.inv(camera.cam_from_world)[:3, 3]
    basis = sh_basis(torch.nn.functional.normalize(away, dim=-1), gaussians.colors.shape[1])
    return (torch.einsum("nk,nkc->nc", basis, gaussians.colors) + 0.5).clamp_min(0)


def oracle(gaussians, camera, extra, mode="classic", radius_clip_px=0.0, background=(0.0, 0.0, 0.0)):
    """rgb, z, alpha, extra and the pixels (h w) in which no decision hangs on a rounding."""
    centers, sharp, covariance, z = project(gaussians, camera)
    conics, opacities = torch.linalg.inv(covariance), gaussians.opacities
    if mode == "antialiased":
        opacities = opacities * (det(sharp) / det(covariance)).clamp_min(1e-12).sqrt()
    order = torch.argsort(z.detach().float(), stable=True)
    radius = (2 * (255 * opacities).log().clamp_min(0) * covariance.diagonal(dim1=1, dim2=2).amax(1)).sqrt().ceil()
    order = order[((z >= 0.01) & (z <= 1e10) & (radius > radius_clip_px))[order]]
    v, u = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    offsets = torch.stack([u, v], -1).double() - centers[order, None, None]
    sigma = 0.5 * torch.einsum("nhwi,nij,nhwj->nhw", offsets, conics[order], offsets)
    raw = opacities[order, None, None] * torch.exp(-sigma)
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
    rgb = blend(seen_colors(gaussians, camera)) + (1 - alpha)[..., None] * torch.tensor(background).double()
    return {"rgb": rgb, "z": depth, "alpha": alpha, "extra": blend(extra)}, ~unclear


def det(matrices):
    """Of matrices (n 2 2); torch.linalg.det has no gradient where it is zero."""
    return matrices[:, 0, 0] * matrices[:, 1, 1] - matrices[:, 0, 1] * matrices[:, 1, 0]


def random_scene(seed, n, width, height, size, stretch, opacity, coefficients):
    """n Gaussians about `size` pixels wide, `stretch` times longer than thin, before a turned camera.

    `coefficients` are those of their spherical harmonics, or 0 for plain RGB.
    """
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
    colors = rand(n, coefficients, 3) * 2 - 1 if coefficients else rand(n, 3)
    gaussians = Gaussians(means, rand(n, 4) * 2 - 1, scales, (opacity * rand(n)).clamp_max(1), colors)
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
    coefficients=st.sampled_from([0, 1, 4, 9, 16]),
)
knobs = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["classic", "antialiased"]),
        "radius_clip_px": st.sampled_from([0.0, 2.5]),
        "background": st.sampled_from([(0.0, 0.0, 0.0), (0.2, 1.0, 0.5)]),
    }
)


def with_gradients(gaussians, camera, extra, dtype):
    """All that can be differentiated, by name, and what to render with it."""
    values = {**dict(gaussians.tensors()), "extra": extra, "cam_from_world": camera.cam_from_world}
    values = {name: tensor.detach().to(dtype).requires_grad_() for name, tensor in values.items()}
    leaves = list(values.values())
    return values, Gaussians(*leaves[:5]), camera.at(leaves[6]), leaves[5]


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


@settings(max_examples=120, deadline=None, derandomize=True)
@given(scenes, knobs)
def test_maps_and_gradients_equal_the_oracle(scene, knobs):
    exact_values, *exact_scene = with_gradients(*scene, torch.float64)
    expected, clear = oracle(*exact_scene, **knobs)
    values, ours, camera, extra = with_gradients(*scene, torch.float32)
    got = vars(configured("backends/render=cpu", threads=2, **knobs)(ours, [camera], extra=extra)[0])
    where = masks(expected, clear)
    for name, mask in where.items():
        error = (got[name] - expected[name])[mask].abs() / expected[name].abs().max().clamp_min(1)
        assert (error <= 1e-5).all(), f"{name} is {error.max():.1e} off"
    random_loss(got, where).backward()
    random_loss(expected, where).backward()
    for name, value in values.items():
        exact = exact_values[name].grad
        error = (value.grad - exact).norm() / exact.norm().clamp_min(0.3)  # where the maps' parts cancel, 2e-5 is left
        assert error <= 1e-4, f"gradient of {name} is {error:.1e} off"


def twist(direction, step):
    """The rigid motion (4 4) along one of six directions: three shifts, three turns."""
    generator = torch.zeros(4, 4, dtype=torch.float64)
    if direction < 3:
        generator[direction, 3] = step
    else:
        i, j = (direction + 1) % 3, (direction + 2) % 3
        generator[i, j], generator[j, i] = -step, step
    return torch.linalg.matrix_exp(generator)


@pytest.mark.parametrize(("mode", "direction"), list(itertools.product(["classic", "antialiased"], range(6))))
def test_the_pose_s_gradient_equals_finite_differences(mode, direction):
    """Gaussians wider than the picture: no pair falls on the other side of a cut when the camera moves."""
    gaussians, camera, extra = random_scene(3, 6, 24, 16, size=24, stretch=2, opacity=0.9, coefficients=9)
    renderer, step = configured("backends/render=cpu", mode=mode), 1e-3

    def loss(pose):
        got = vars(renderer(gaussians, [camera.at(pose)], extra=extra)[0])
        return random_loss(got, dict.fromkeys(MAPS, torch.ones(16, 24, dtype=torch.bool)))

    pose = camera.cam_from_world.double().requires_grad_()
    loss(pose).backward()
    ahead, behind = (twist(direction, sign * step) @ pose.detach() for sign in (1, -1))
    expected = (loss(ahead) - loss(behind)) / (2 * step)
    got = (pose.grad * (ahead - behind) / (2 * step)).sum()
    assert got.item() == pytest.approx(expected.item(), rel=2e-3, abs=0.02)
