"""The median depth in plain torch, for GPUs, against float64, finite differences, a march along rays and the CPU's."""

import pytest
import torch
from tests.devices.fake_device import FakeDevice

from vistadream.backends.render import splats
from vistadream.backends.render.ray_median import median_z
from vistadream.config import configured
from vistadream.core import Camera, Gaussians
from vistadream.ops.gaussians.rotation import rotations_from_quats

RENDERER = configured("backends/render=cpu")

PARAMETERS = ("means", "quats_wxyz", "scales", "opacities", "cam_from_world")


def camera(width=70, height=40) -> Camera:
    pose = torch.eye(4)
    pose[:3, :3] = rotations_from_quats(torch.tensor([[1, 0.02, -0.03, 0.05]]))[0]
    pose[:3, 3] = torch.tensor([0.02, -0.03, 0.1])
    return Camera.from_fov(60, width, height).at(pose)


def cloud(n: int, seed: int, size_px: float = 5.0) -> Gaussians:
    """n long and faint or opaque Gaussians all over the picture and beyond its border."""
    view, rng = camera(), torch.Generator().manual_seed(seed)
    z = 1 + 4 * torch.rand(n, 1, generator=rng)
    corner = torch.tensor([view.width, view.height])
    slopes = (1.2 * torch.rand(n, 2, generator=rng) * corner - view.K[:2, 2]) / view.K.diagonal()[:2]
    scales = size_px / view.fx * z * 4 ** -torch.rand(n, 3, generator=rng)
    opacities = (2 * torch.rand(n, generator=rng)).clamp_max(1)
    return Gaussians(
        torch.cat([slopes * z, z], 1), torch.randn(n, 4, generator=rng), scales, opacities, torch.zeros(n, 3)
    )


def with_gradients(gaussians: Gaussians, view: Camera, dtype=torch.float32):
    """All that the median depends on, by name, and what to render with it."""
    values = {**dict(gaussians.tensors()), "cam_from_world": view.cam_from_world}
    values = {name: tensor.detach().to(dtype).requires_grad_() for name, tensor in values.items()}
    *parameters, pose = values.values()
    return values, Gaussians(*parameters), Camera(view.K.to(dtype), pose, view.width, view.height)


@pytest.mark.parametrize("mode", ["classic", "antialiased"])
@pytest.mark.parametrize(("n", "size_px"), [(60, 12.0), (600, 4.0), (3000, 0.7)])
def test_median_and_gradients_are_those_of_the_cpu_renderer(mode: str, n: int, size_px: float) -> None:
    """In float64, away from where T is so flat that float32 has no digits for it."""
    knobs, scene = {"mode": mode, "eps2d_px2": 0.4}, cloud(n, 1, size_px)
    values, *ours = with_gradients(scene, camera(), torch.float64)
    theirs_values, *theirs = with_gradients(scene, camera())
    z = median_z(*ours, configured("backends/render=cpu", **knobs))
    cpu = configured("backends/render=cpu", **knobs)(theirs[0], [theirs[1]], want=("z_median",))[0].z_median
    assert float(((z > 0) != (cpu > 0)).float().mean()) < 1e-3
    clear = (z > 0) & (cpu > 0) & ((z - cpu).abs() < 1e-5 * cpu)
    assert float(clear.float().sum() / (z > 0).float().sum()) > 0.97
    weights = torch.randn(z.shape, generator=torch.Generator().manual_seed(0)) * clear
    (z * weights).sum().backward()
    (cpu * weights).sum().backward()
    for name in PARAMETERS:
        exact = values[name].grad
        assert float((theirs_values[name].grad - exact).norm()) < 0.01 * float(exact.norm()), name


def test_float32_is_enough() -> None:
    scene = cloud(600, 2)
    exact = median_z(*with_gradients(scene, camera(), torch.float64)[1:], RENDERER).detach()
    z = median_z(*with_gradients(scene, camera())[1:], RENDERER).detach()
    error = ((z - exact).abs() / exact.clamp_min(0.1)).flatten().sort().values
    assert float(error[round(0.99 * len(error))]) < 2e-5


def test_bands_of_rows_give_what_the_whole_picture_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, results = cloud(600, 3), []
    for most in (2**23, 2000):
        monkeypatch.setattr(splats, "_PAIRS_AT_ONCE", most)
        values, *inputs = with_gradients(scene, camera(), torch.float64)
        z = median_z(*inputs, RENDERER)
        z.sum().backward()
        results.append((z.detach(), *(values[name].grad for name in PARAMETERS)))
        n_bands = len(list(splats.bands(splats.project(*inputs, RENDERER), camera())))
        assert n_bands > 5 if most == 2000 else n_bands == 1
    for whole, part in zip(*results, strict=True):
        torch.testing.assert_close(part, whole, rtol=1e-9, atol=1e-9)


def test_a_gpu_is_waited_for_a_few_times_and_never_for_the_gradient() -> None:
    scene = cloud(600, 2)
    expected_values, *inputs = with_gradients(scene, camera())
    expected = median_z(*inputs, RENDERER)
    expected.sum().backward()
    with FakeDevice() as device:
        values, on_gpu, _ = with_gradients(scene.to("cuda"), camera())
        there = camera().to("cuda")
        assert there.fx > 0  # read before, as at each further step
        device.crossings.clear()
        z = median_z(on_gpu, there, RENDERER)
        assert len(device.crossings) <= 25
        device.crossings.clear()
        z.sum().backward()
        assert not device.crossings
        assert torch.equal(z.detach().cpu(), expected)
        assert torch.equal(values["means"].grad.cpu(), expected_values["means"].grad)


def few_wide() -> tuple[Gaussians, Camera]:
    """Six wide Gaussians on every ray, none of them near a cut."""
    rng = torch.Generator().manual_seed(5)
    means = torch.rand(6, 3, generator=rng) * torch.tensor([0.4, 0.3, 2]) + torch.tensor([-0.2, -0.15, 2])
    scales, quats = 0.4 + 0.4 * torch.rand(6, 3, generator=rng), torch.randn(6, 4, generator=rng)
    opacities = 0.3 + 0.4 * torch.rand(6, generator=rng)
    return Gaussians(means, quats, scales, opacities, torch.zeros(6, 3)), Camera.from_fov(20, 12, 9)


@pytest.mark.parametrize("name", PARAMETERS)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    values, scene, view = with_gradients(*few_wide(), torch.float64)
    rng = torch.Generator().manual_seed(6)
    weights = torch.randn(9, 12, generator=rng).double()

    def loss() -> torch.Tensor:
        return (median_z(scene, view, RENDERER) * weights).sum()

    way = torch.randn(values[name].shape, generator=rng).double()
    (gradient,) = torch.autograd.grad(loss(), values[name])
    with torch.no_grad():
        values[name] += 1e-6 * way
        after = loss()
        values[name] -= 2e-6 * way
        slope = float(after - loss()) / 2e-6
    assert slope == pytest.approx(float((gradient * way).sum()), rel=1e-5)


def test_the_median_is_where_a_march_along_the_ray_finds_half_the_light() -> None:
    """Densities at 4000 points of each ray, the peak being the largest of them: no formula for peak or width."""
    scene, view = few_wide()
    with torch.no_grad():
        z = torch.linspace(0.0, 8, 4000)
        points = z[:, None, None, None] * view.rays()
        axes = rotations_from_quats(scene.quats_wxyz)
        passed = torch.ones(points.shape[:3])
        for i, alpha in enumerate(alphas_alone(scene, view)):
            distance = (((points - scene.means[i]) @ axes[i]) / scene.scales[i]).square().sum(-1)
            density = alpha * torch.exp(-0.5 * (distance - distance.amin(0)))
            behind = torch.arange(4000)[:, None, None] > distance.argmin(0)
            passed *= torch.where(behind, (1 - alpha) / (1 - density).sqrt(), (1 - density).sqrt())
        expected = z[(passed > 0.5).sum(0).clamp_max(3999)]
        found = median_z(scene, view, RENDERER)
    assert bool((found > 0).all())
    assert float((found - expected).abs().max()) < 0.004, "two steps of the march"


def alphas_alone(scene: Gaussians, view: Camera) -> list[torch.Tensor]:
    """What each Gaussian stops, drawn by the CPU renderer without the others."""
    each = (scene.subset(torch.tensor([i])) for i in range(len(scene)))
    return [RENDERER(one, [view], want=("alpha",))[0].alpha for one in each]


@pytest.mark.parametrize("knobs", [{"near_z": 2.5}, {"far_z": 3.0}, {"radius_clip_px": 6.0}])
def test_what_the_knobs_leave_out_is_left_out(knobs: dict) -> None:
    scene, view = cloud(300, 4), camera()
    z = median_z(scene, view, configured("backends/render=cpu", **knobs))
    cpu = configured("backends/render=cpu", **knobs)(scene, [view], want=("z_median",))[0].z_median
    assert float(((z > 0) != (cpu > 0)).float().mean()) < 2e-3
    assert bool(((z > 0) != (median_z(scene, view, RENDERER) > 0)).any())


def test_without_gaussians_there_is_no_depth() -> None:
    assert float(median_z(Gaussians.empty(), camera(), RENDERER).abs().max()) == 0
    behind = cloud(5, 0)
    behind = Gaussians(-behind.means, *(tensor for _, tensor in list(behind.tensors())[1:]))
    assert float(median_z(behind, camera(), RENDERER).abs().max()) == 0
