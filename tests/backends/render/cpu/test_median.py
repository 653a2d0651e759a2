"""The median depth against two oracles, its definition in float64 and a march along the rays, and its laws."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.config import configured
from vistadream.core import Camera, Gaussians

RENDERER = configured("backends/render=cpu")

PARAMETERS = ("means", "quats_wxyz", "scales", "opacities", "cam_from_world")


def rotations(quats_wxyz):
    w, x, y, z = torch.nn.functional.normalize(quats_wxyz, dim=-1).unbind(-1)
    return torch.stack(
        [
            torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )


def blended(gaussians, camera):
    """Alphas (n h w) as they are blended, 0 where they are not, front to back; the order; clear pixels (h w)."""
    pose, axes = camera.cam_from_world, rotations(gaussians.quats_wxyz) * gaussians.scales[:, None]
    x, y, z = (gaussians.means @ pose[:3, :3].T + pose[:3, 3]).unbind(-1)
    x_to, y_to = (
        linearised_at(x / z, camera.fx, camera.cx, camera.width),
        linearised_at(y / z, camera.fy, camera.cy, camera.height),
    )
    rows = [camera.fx / z, 0 * z, -camera.fx * x_to / z, 0 * z, camera.fy / z, -camera.fy * y_to / z]
    on_screen = torch.stack(rows, -1).reshape(-1, 2, 3) @ pose[:3, :3] @ axes
    conics = torch.linalg.inv(on_screen @ on_screen.mT + 0.3 * torch.eye(2).double())
    order = torch.argsort(z.detach().float(), stable=True)
    u, v = ((rays(camera) @ camera.K.double().T)[..., :2]).unbind(-1)
    offsets = torch.stack(
        [
            u - (camera.fx * x / z + camera.cx)[order, None, None],
            v - (camera.fy * y / z + camera.cy)[order, None, None],
        ],
        -1,
    )
    sigma = 0.5 * torch.einsum("nhwi,nij,nhwj->nhw", offsets, conics[order], offsets)
    raw = gaussians.opacities[order, None, None] * torch.exp(-sigma)
    alphas = torch.where(raw >= 1 / 255, raw.clamp(max=0.999), 0.0)
    after = torch.cumprod(1 - alphas, 0)
    cuts = ((raw, 1 / 255, 1e-3), (raw, 0.999, 1e-5), (after, 1e-4, 1e-3), (after[-1:], 0.5, 1e-4))
    unclear = torch.stack([((value / cut - 1).abs() < near).any(0) for value, cut, near in cuts]).any(0)
    return torch.where(after > 1e-4, alphas, 0.0), order, ~unclear


def linearised_at(slope, focal, center, size):
    """x/z or y/z, no farther than 15 % of the picture beyond its border."""
    return slope.clamp((-0.15 * size - center) / focal, (1.15 * size - center) / focal)


def rays(camera):
    """Points (h w 3) at z = 1 in camera axes."""
    v, u = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    return torch.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, torch.ones_like(u)], -1).double()


def log_transmittance(alphas, peaks, curvatures, z):
    density = alphas * torch.exp(-0.5 * curvatures * (z - peaks) ** 2)
    before = 0.5 * torch.log1p(-density)
    return torch.where(z > peaks, torch.log1p(-alphas) - before, before).sum(0)


def oracle(gaussians, camera):
    """z with its gradient, and the pixels (h w) that have one, in which no decision hangs on a rounding.

    Bisection without gradient; then the implicit function theorem as one differentiable step.
    """
    alphas, order, clear = blended(gaussians, camera)
    pose = camera.cam_from_world
    axes = (pose[:3, :3] @ rotations(gaussians.quats_wxyz))[order]
    precision = axes @ torch.diag_embed(gaussians.scales[order] ** -2) @ axes.mT
    means, r = (gaussians.means @ pose[:3, :3].T + pose[:3, 3])[order], rays(camera)
    curvatures = torch.einsum("hwi,nij,hwj->nhw", r, precision, r)
    peaks = torch.einsum("hwi,nij,nj->nhw", r, precision, means) / curvatures
    live, still = (alphas, peaks, curvatures), [values.detach() for values in (alphas, peaks, curvatures)]
    reach = 10 / still[2].sqrt()
    low, high = (still[1] - reach).amin(0), (still[1] + reach).amax(0)
    for _ in range(60):
        middle = (low + high) / 2
        above = log_transmittance(*still, middle) > math.log(0.5)
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    z = low.requires_grad_()
    (fall,) = torch.autograd.grad(log_transmittance(*still, z).sum(), z)
    z = z.detach()
    has_median = clear & ((1 - still[0]).prod(0) < 0.5) & (z > 0)
    moved = z - torch.where(has_median, log_transmittance(*live, z) - math.log(0.5), 0.0) / torch.where(
        has_median, fall, 1
    )
    return moved, has_median & (fall * z < -1)  # where T is all but flat, the gradient has no digits


def camera(width=150, height=50):
    return Camera.from_fov(60, width, height)


def cloud(n, seed=0, camera=None, size_px=5.0, stretch=4.0, opacity=1.0):
    """n Gaussians about `size_px` wide and `stretch` times longer than thin, all over the picture."""
    camera, rng = camera or Camera.from_fov(60, 150, 50), torch.Generator().manual_seed(seed)
    z = 1 + 4 * torch.rand(n, 1, generator=rng)
    corner = torch.tensor([camera.width, camera.height])
    slopes = (torch.rand(n, 2, generator=rng) * corner - camera.K[:2, 2]) / camera.K.diagonal()[:2]
    quats = torch.randn(n, 4, generator=rng)
    scales = size_px / camera.fx * z * stretch ** -torch.rand(n, 3, generator=rng)
    opacities = (opacity * torch.rand(n, generator=rng)).clamp_max(1)
    return Gaussians(torch.cat([slopes * z, z], 1), quats, scales, opacities, torch.zeros(n, 3))


def one(**values):
    """A Gaussian in the middle of the picture, with these values in place of harmless ones."""
    row = {"means": [0, 0, 2], "quats_wxyz": [1, 0, 0, 0], "scales": [0.1] * 3, "opacities": 0.9, "colors": [1, 0, 0]}
    return Gaussians(**{name: torch.tensor([value], dtype=torch.float32) for name, value in (row | values).items()})


def with_gradients(gaussians, camera, dtype=torch.float32):
    """All that the median depends on, by name, and what to render with it."""
    values = {**dict(gaussians.tensors()), "cam_from_world": camera.cam_from_world}
    values = {name: tensor.detach().to(dtype).requires_grad_() for name, tensor in values.items()}
    *parameters, pose = values.values()
    return values, Gaussians(*parameters), camera.at(pose)


def turned(camera):
    """The camera, moved and turned a little."""
    pose = torch.eye(4)
    pose[:3, :3] = rotations(torch.tensor([1, 0.02, -0.03, 0.05]))
    pose[:3, 3] = torch.tensor([0.02, -0.03, 0.1])
    return camera.at(pose)


def median(gaussians, camera, **knobs):
    return configured("backends/render=cpu", **knobs)(gaussians, [camera], want=("z_median",))[0].z_median


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 60),
    seed=st.integers(0, 2**31),
    camera=st.builds(camera, st.integers(1, 80), st.integers(1, 40)),
    size_px=st.floats(0.1, 20),
    stretch=st.floats(1, 30),
    opacity=st.floats(0.6, 4),
)
def test_median_and_gradients_equal_the_oracle(n, seed, camera, **kinds):
    scene, view = cloud(n, seed, camera, **kinds), turned(camera)
    exact_values, *exact = with_gradients(scene, view, torch.float64)
    expected, where = oracle(*exact)
    values, *ours = with_gradients(scene, view)
    got = median(*ours, threads=2)
    assert ((got - expected)[where].abs() <= 1e-5 * expected[where]).all()
    weights = torch.randn(got.shape) * where
    (got * weights).sum().backward()
    (expected * weights).sum().backward()
    for name in PARAMETERS:
        exact_grad = exact_values[name].grad
        error = (values[name].grad - exact_grad).norm() / exact_grad.norm().clamp_min(0.1)
        assert error <= 1e-3, f"gradient of {name} is {error:.1e} off"


def test_median_equals_a_march_along_the_rays():
    """Every Gaussian's density at 4000 points of each ray, its peak the largest of them: no formula for the peak."""
    _, scene, view = with_gradients(cloud(40, 3, camera(24, 12)), turned(camera(24, 12)), torch.float64)
    with torch.no_grad():
        alphas, order, clear = blended(scene, view)
        z = torch.linspace(0.0, 8, 4000).double()
        to_world = torch.linalg.inv(view.cam_from_world)
        points = (z[:, None, None, None] * rays(view)) @ to_world[:3, :3].T + to_world[:3, 3]
        passed = torch.ones(points.shape[:3]).double()
        for alpha, i in zip(alphas, order, strict=True):
            in_axes = (points - scene.means[i]) @ rotations(scene.quats_wxyz)[i] / scene.scales[i]
            distance = in_axes.square().sum(-1)
            density = alpha * torch.exp(-0.5 * (distance - distance.amin(0)))
            behind = torch.arange(4000)[:, None, None] > distance.argmin(0)
            passed *= torch.where(behind, (1 - alpha) / (1 - density).sqrt(), (1 - density).sqrt())
        crossing = (passed > 0.5).sum(0)
        expected = torch.where(crossing < 4000, z[crossing.clamp_max(3999)], 0.0)
    got = median(*with_gradients(scene, view)[1:])
    assert (got > 0).sum() > 100
    assert ((got - expected).abs()[clear] < 0.004).all()  # two steps of the march


def smooth_scene():
    """Few wide Gaussians on every ray, none of them near a cut."""
    rng = torch.Generator().manual_seed(5)
    means = torch.rand(6, 3, generator=rng) * torch.tensor([0.4, 0.3, 2]) + torch.tensor([-0.2, -0.15, 2])
    scales = 0.4 + 0.4 * torch.rand(6, 3, generator=rng)
    quats = torch.randn(6, 4, generator=rng)
    return Gaussians(means, quats, scales, 0.3 + 0.4 * torch.rand(6, generator=rng), torch.zeros(6, 3))


@pytest.mark.parametrize("name", PARAMETERS)
def test_gradients_equal_finite_differences(name):
    view = Camera.from_fov(20, 12, 9)
    rng = torch.Generator().manual_seed(6)
    weights = torch.randn(9, 12, generator=rng)

    def value(step):
        values = {**dict(smooth_scene().tensors()), "cam_from_world": view.cam_from_world}
        values[name] = values[name] + step
        pose = values.pop("cam_from_world")
        return (median(Gaussians(**values), view.at(pose)) * weights).sum()

    values, scene, differentiable = with_gradients(smooth_scene(), view)
    (median(scene, differentiable) * weights).sum().backward()
    grad = values[name].grad
    direction = torch.randn(grad.shape, generator=rng)
    if name == "cam_from_world":
        direction[3] = 0
    step = 0.01 * direction / direction.norm()
    slope = (value(step) - value(-step)) / 0.02
    assert slope.item() == pytest.approx((grad * direction).sum().item() / direction.norm().item(), rel=0.02, abs=0.02)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_any_number_of_threads_gives_the_same_bits(threads):
    def draw(threads):
        values, *scene = with_gradients(cloud(500), turned(camera()))
        got = median(*scene, threads=threads)
        (got * torch.randn(got.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
        return got.detach(), *[values[name].grad for name in PARAMETERS]

    for alone, together in zip(draw(1), draw(threads), strict=True):
        assert torch.equal(alone, together)


def test_there_is_a_median_exactly_where_half_the_light_is_stopped():
    got = RENDERER(cloud(150), [camera()], want=("alpha", "z_median"))[0]
    assert 0.2 < (got.z_median > 0).float().mean() < 0.9
    assert torch.equal(got.z_median > 0, got.alpha > 0.5)


def test_other_maps_are_the_same_with_and_without_a_median():
    def draw(*want):
        values, scene, view = with_gradients(cloud(200), camera())
        got = RENDERER(scene, [view], want=want)[0]
        (got.rgb.sum() + got.z.sum()).backward()
        return got.rgb.detach(), got.z.detach(), *[value.grad for value in values.values()]

    for without, beside in zip(draw("rgb", "z"), draw("rgb", "z", "z_median"), strict=True):
        assert torch.equal(without, beside)


def wall(z, slope=0.0, right=3.0, thickness=1e-4):
    """A plane z + slope x of opaque Gaussians, denser than the pixels, from x = -3 to `right`."""
    x, y = torch.meshgrid(torch.arange(-3, right, 0.02), torch.arange(-1, 1, 0.02), indexing="ij")
    means = torch.stack([x, y, z + slope * x], -1).reshape(-1, 3)
    turn = -0.5 * math.atan(slope)
    n = len(means)
    quats = torch.tensor([math.cos(turn), 0, math.sin(turn), 0]).expand(n, 4)
    return Gaussians(means, quats, torch.tensor([0.02, 0.02, thickness]).expand(n, 3), torch.full((n,), 0.9), means)


@pytest.mark.parametrize("slope", [0.0, 0.3, -0.8])
def test_the_median_of_a_wall_is_the_wall(slope):
    view = Camera.from_fov(50, 60, 20)
    got = median(wall(2, slope), view)
    truth = 2 / (1 - slope * rays(view)[..., 0])
    assert ((got - truth).abs() < 1e-3 * truth).all()


def test_at_a_silhouette_the_median_stays_on_a_surface_and_the_mean_floats():
    scene = Gaussians.concat(wall(1, right=0.103), wall(3))
    got = RENDERER(scene, [Camera.from_fov(50, 60, 20)], want=("z", "z_median"))[0]

    def off_surface(z):
        return torch.minimum((z - 1).abs(), (z - 3).abs() / 3).max()

    assert off_surface(got.z_median) < 1e-3
    assert off_surface(got.z) > 0.2


def test_pixels_that_never_cross_give_zero_and_no_gradient():
    values, *scene = with_gradients(one(opacities=0.49), camera())
    got = median(*scene)
    assert (got == 0).all()
    got.log().sum().backward()
    assert all((values[name].grad == 0).all() for name in PARAMETERS)


def test_a_crossing_behind_the_camera_is_none():
    got = median(one(means=[0, 0, 0.5], scales=[9, 9, 9]), camera())
    assert (got == 0).all()


def test_nothing_behind_the_median_s_surface_gets_a_gradient():
    values, *scene = with_gradients(Gaussians.concat(wall(2), one(means=[0, 0, 5])), Camera.from_fov(50, 60, 20))
    median(*scene).sum().backward()
    for name in PARAMETERS[:4]:
        grad = values[name].grad
        assert grad[-1].abs().max() == 0 < grad[:-1].abs().max()


@pytest.mark.parametrize(
    "scales", [[1e38, 1e38, 0], [1e10, 1e10, 1e10], [0, 0, 0], [0.1, 0.1, 0], [0, 0.3, 1e-30]], ids=str
)
def test_sizes_without_bounds_give_finite_depths_and_gradients(scales):
    values, *scene = with_gradients(one(scales=scales), camera())
    got = median(*scene)
    got.sum().backward()
    assert got.isfinite().all()
    assert all(values[name].grad.isfinite().all() for name in PARAMETERS)


def test_a_flat_gaussian_s_median_is_its_plane():
    got = median(one(scales=[1e10, 1e10, 0]), camera())
    assert ((got - 2).abs() < 1e-3).all()
