"""gsplat behind our protocol, against the CPU renderer.

Without a GPU gsplat's own `rasterization` runs with its kernels put in torch: projection and harmonics are the
references that it publishes, blending is written here by its rules. What we hand to it and take from it is so tested
everywhere.
"""

import sys
import weakref

import pytest
import torch

from vistadream.backends.render import gsplat as backend
from vistadream.backends.weights.residence import resident
from vistadream.config import configured
from vistadream.core import Camera, Gaussians, UserError

RENDERER = configured("backends/render=cpu")
GSPLAT = configured("backends/render=gsplat")

package = pytest.importorskip("gsplat", reason="gsplat is not installed: see the extra dev")

MAPS = ("rgb", "z", "alpha")


def project(means, covars, quats, scales, viewmats, Ks, width, height, **options):
    from gsplat.cuda._torch_impl import _fully_fused_projection, _quat_scale_to_covar_preci

    assert covars is None
    assert options["packed"] is False
    covariances, _ = _quat_scale_to_covar_preci(quats, scales, compute_preci=False)
    known = {name: options[name] for name in ("eps2d", "near_plane", "far_plane", "calc_compensations")}
    radii, centers, z, conics, shares = _fully_fused_projection(
        means, covariances, viewmats, Ks, width, height, **known
    )
    a, b, c = conics.unbind(-1)
    opacities = options["opacities"] * (1 if shares is None else shares)
    extent = torch.sqrt(2 * torch.log((255 * opacities).clamp_min(1))).clamp_max(3.33)  # as the kernel, which has these
    reach = torch.ceil(extent[..., None] * torch.stack([c, a], -1).div((a * c - b * b)[..., None]).sqrt())
    return radii * (reach > options["radius_clip"]).any(-1, keepdim=True), centers, z, conics, shares


def harmonics(degree, directions, coefficients):
    from gsplat.cuda._torch_impl import _spherical_harmonics

    return _spherical_harmonics(degree, directions, coefficients)


def order(means2d, radii, depths, *_, **__):
    """In place of tiles: each camera's Gaussians from near to far, and which of them are drawn."""
    return None, None, (depths.argsort(stable=True), (radii > 0).all(-1))


def blend(means2d, conics, colors, opacities, width, height, *tiles, **_):
    """Every Gaussian at every pixel centre, near to far: alpha at most 0.999, from 1/255, until 1e-4 is left."""
    v, u = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    maps, alphas = [], []
    for camera, (near_first, drawn) in enumerate(zip(*tiles[-1], strict=True)):
        index = near_first[drawn[near_first]]
        x, y = (d[..., None] - means2d[camera, index, axis] for axis, d in enumerate((u, v)))
        a, b, c = conics[camera, index].unbind(-1)
        alpha = (opacities[camera, index] * torch.exp(-0.5 * (a * x * x + c * y * y) - b * x * y)).clamp_max(0.999)
        alpha = torch.where(alpha < 1 / 255, 0.0, alpha)
        after = torch.cumprod(1 - alpha, -1)
        weights = torch.where(after > 1e-4, alpha * after / (1 - alpha), 0.0)
        maps.append(weights @ colors[camera, index])
        alphas.append(weights.sum(-1, keepdim=True))
    return torch.stack(maps), torch.stack(alphas)


@pytest.fixture
def in_torch(monkeypatch):
    """gsplat with its kernels in torch, and a CPU that counts as the GPU."""
    monkeypatch.setattr(backend, "_gpu", lambda: torch.device("cpu"))
    monkeypatch.setattr(package, "spherical_harmonics", harmonics)
    for name, kernel in {
        "fully_fused_projection": project,
        "isect_tiles": order,
        "isect_offset_encode": lambda _, *shape: torch.zeros(shape),
        "rasterize_to_pixels": blend,
    }.items():
        monkeypatch.setattr(package.rendering, name, kernel)


@pytest.fixture(params=["torch", "cuda"])
def anywhere(request):
    """On the GPU where there is one, and in torch."""
    if request.param == "torch":
        request.getfixturevalue("in_torch")
    elif not torch.cuda.is_available():
        pytest.skip("gsplat's kernels need an NVIDIA GPU, and torch sees none")


def scene(sh_degree=None, count=60):
    """Gaussians in front of the cameras, beside them and behind, with a gradient to each value."""
    rng = torch.Generator().manual_seed(3)
    means = torch.randn(count, 3, generator=rng) * torch.tensor([1.0, 0.8, 1.5]) + torch.tensor([0.0, 0.0, 3.0])
    shape = (count, 3) if sh_degree is None else (count, (sh_degree + 1) ** 2, 3)
    values = {
        "means": means,
        "quats_wxyz": torch.randn(count, 4, generator=rng),
        "scales": torch.exp(torch.randn(count, 3, generator=rng) * 0.5 - 2),
        "opacities": torch.rand(count, generator=rng) * 0.8 + 0.1,
        "colors": torch.rand(shape, generator=rng),
    }
    return Gaussians(**{name: value.requires_grad_() for name, value in values.items()})


def cameras():
    """Two sizes in turn, from several places, one with a principal point off the centre."""
    places = [(0.0, 0.0, 0.0), (0.3, -0.1, 0.2), (-0.4, 0.1, 0.0), (0.1, 0.2, -0.5)]
    lenses = [Camera.from_focal(40, 48, 36), Camera.from_focal(30, 33, 40, (12.0, 22.5))] * 2
    return [lens.at(posed(place)) for lens, place in zip(lenses, places, strict=True)]


def posed(place):
    pose = torch.eye(4)
    pose[:3, 3] = torch.tensor(place)
    return pose.requires_grad_()


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("mode", ["classic", "antialiased"])
@pytest.mark.parametrize("sh_degree", [None, 3])
def test_pictures_and_gradients_are_those_of_the_cpu_renderer(mode, sh_degree):
    knobs = {"mode": mode, "background": (0.2, 0.5, 0.9), "eps2d_px2": 0.4}
    results = []
    for renderer in (configured("backends/render=cpu", **knobs), configured("backends/render=gsplat", **knobs)):
        gaussians, seen = scene(sh_degree), cameras()
        extra = torch.rand(60, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
        pictures = renderer(gaussians, seen, want=MAPS, extra=extra)
        assert [tuple(p.alpha.shape) for p in pictures] == [(camera.height, camera.width) for camera in seen]
        loss = sum((p.rgb * p.rgb).sum() + (p.z * p.alpha).sum() + p.extra.sum() for p in pictures)
        leaves = [*(tensor for _, tensor in gaussians.tensors()), extra, *(camera.cam_from_world for camera in seen)]
        results.append((pictures, torch.autograd.grad(loss, leaves)))
    (ours, our_grads), (theirs, their_grads) = results
    for one, other in zip(ours, theirs, strict=True):
        for name in (*MAPS, "extra"):
            assert (getattr(one, name) - getattr(other, name)).abs().max() < 1e-3, name
    for one, other in zip(our_grads, their_grads, strict=True):
        assert torch.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 0.999


@pytest.mark.usefixtures("anywhere")
def test_the_median_depth_is_that_of_the_cpu_renderer_beside_other_maps_or_alone():
    gaussians, seen = scene().detach(), cameras()
    ours = RENDERER(gaussians, seen, want=("z_median",))
    for want in (("z_median",), ("rgb", "z_median")):
        theirs = GSPLAT(gaussians, seen, want=want)
        for one, other in zip(ours, theirs, strict=True):
            assert {name for name, value in vars(other).items() if value is not None} == set(want)
            assert ((one.z_median > 0) != (other.z_median > 0)).float().mean() < 1e-3
            both = (one.z_median > 0) & (other.z_median > 0)
            assert (one.z_median - other.z_median).abs()[both].quantile(0.99) < 1e-3


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("want", [("rgb",), ("z",), ("alpha",), ("z", "alpha"), ("rgb", "alpha")])
@pytest.mark.parametrize("channels", [None, 2])
def test_only_what_is_wanted_is_there_and_it_is_the_same(want, channels):
    gaussians = scene().detach()
    extra = None if channels is None else torch.rand(60, channels)
    everything = GSPLAT(gaussians, cameras(), want=MAPS, extra=extra)
    for whole, part in zip(everything, GSPLAT(gaussians, cameras(), want=want, extra=extra), strict=True):
        given = {name for name, value in vars(part).items() if value is not None}
        assert given == {*want, *(["extra"] if channels else [])}
        for name in given:
            torch.testing.assert_close(getattr(part, name), getattr(whole, name))


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("knobs", [{"near_z": 2.5}, {"far_z": 3.0}, {"radius_clip_px": 6.0}])
def test_what_is_left_out_is_left_out_by_both(knobs):
    gaussians, seen = scene().detach(), cameras()
    ours, theirs = (
        renderer(gaussians, seen, want=("alpha",))
        for renderer in (configured(f"backends/render={name}", **knobs) for name in ("cpu", "gsplat"))
    )
    everything = RENDERER(gaussians, seen, want=("alpha",))
    for one, other, whole in zip(ours, theirs, everything, strict=True):
        assert (one.alpha - other.alpha).abs().max() < 1e-3
        assert (one.alpha - whole.alpha).abs().max() > 0.05


@pytest.mark.usefixtures("in_torch")
def test_cameras_of_one_size_go_together_and_come_back_in_their_order(monkeypatch):
    calls = []
    rasterization = package.rasterization

    def counted(**arguments):
        calls.append((len(arguments["viewmats"]), arguments["width"]))
        return rasterization(**arguments)

    monkeypatch.setattr(package, "rasterization", counted)
    gaussians, seen = scene().detach(), cameras() * 5
    batched = GSPLAT(gaussians, seen, want=("rgb",))
    assert calls == [(8, 48), (2, 48), (8, 33), (2, 33)]
    for camera, picture in zip(seen[:3], batched, strict=False):
        torch.testing.assert_close(picture.rgb, GSPLAT(gaussians, [camera], want=("rgb",))[0].rgb)


@pytest.mark.usefixtures("in_torch")
def test_loaded_models_give_way_when_the_card_is_full(monkeypatch):
    resident.release()
    loaded = weakref.ref(resident("a model", torch.nn.Identity, 1.0))
    rasterization, full = package.rasterization, [True]

    def crowded(**arguments):
        if full and full.pop():
            raise torch.OutOfMemoryError("CUDA out of memory")
        assert loaded() is None
        return rasterization(**arguments)

    monkeypatch.setattr(package, "rasterization", crowded)
    assert len(GSPLAT(scene().detach(), cameras()[:1])) == 1
    full += [True, True]
    with pytest.raises(
        UserError, match=r"60 Gaussians at 48x36 pixels do not fit.*max_resolution.*expansion.*render=cpu"
    ):
        GSPLAT(scene().detach(), cameras()[:1])


def test_an_unknown_map_and_extra_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"want names \['depth'\]; wanted some of"):
        GSPLAT(scene(), cameras(), want=("depth",))
    with pytest.raises(ValueError, match=r"extra is \(3, 2\); wanted \(60, channels\)"):
        GSPLAT(scene(), cameras(), extra=torch.zeros(3, 2))


def test_without_a_gpu_the_other_renderer_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"NVIDIA GPU.*backends/render=cpu"):
        GSPLAT(scene(), cameras())


@pytest.mark.usefixtures("in_torch")
def test_without_the_package_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gsplat", None)
    with pytest.raises(UserError, match=r"package gsplat is not installed.*pip install 'vistadream\[gpu\]'"):
        GSPLAT(scene(), cameras())


@pytest.mark.parametrize(
    "knob", [{"near_z": 0.0}, {"eps2d_px2": -1.0}, {"mode": "soft"}, {"background": (0.0, 2.0, 0.0)}]
)
def test_a_knob_out_of_range_is_refused_in_its_own_name(knob):
    with pytest.raises(ValueError, match=rf"GsplatRenderer\.{next(iter(knob))}.*got .*wanted"):
        configured("backends/render=gsplat", **knob)
