"""What holds for the CPU renderer whatever the scene: order, threads, culling, units, and clear refusals."""

import dataclasses
import re
import tracemalloc

import numpy as np
import pytest
import torch
from tests.devices.fake_device import FakeDevice, OnCuda

from vistadream.backends import main_memory
from vistadream.backends.render.cpu import drawing, memory
from vistadream.backends.render.cpu.memory import needed_bytes
from vistadream.backends.render.cpu.projection import Parameters, make_lens
from vistadream.config import configured
from vistadream.core import Camera, Gaussians, UserError

RENDERER = configured("backends/render=cpu")

INF, NAN = float("inf"), float("nan")


def cloud(n, seed=0):
    """n Gaussians in front of `camera`, some of them outside the picture."""
    rng = torch.Generator().manual_seed(seed)
    means = (torch.rand(n, 3, generator=rng) - 0.5) * torch.tensor([4.0, 3.0, 2.0]) + torch.tensor([0.0, 0.0, 3.0])
    quats = torch.randn(n, 4, generator=rng)
    scales = 0.02 + 0.2 * torch.rand(n, 3, generator=rng)
    return Gaussians(means, quats, scales, torch.rand(n, generator=rng), torch.rand(n, 3, generator=rng))


def camera(width=150, height=50):
    return Camera.from_fov(60, width, height)


def leaves(gaussians):
    return Gaussians(**{name: tensor.clone().requires_grad_() for name, tensor in gaussians.tensors()})


def render_and_backward(gaussians, renderer=None, extra=None, seen_from=None):
    """The maps and the gradients of a random function of them."""
    gaussians = leaves(gaussians)
    got = (renderer or RENDERER)(gaussians, [seen_from or camera()], extra=extra)[0]
    maps = [t for t in (got.rgb, got.z, got.alpha, got.extra) if t is not None]
    rng = torch.Generator().manual_seed(1)
    sum((torch.randn(t.shape, generator=rng) * t).sum() for t in maps).backward()
    return [t.detach() for t in maps], [t.grad for _, t in gaussians.tensors()]


def assert_identical(first, second):
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)


def with_row(gaussians, **values):
    """One more Gaussian in the middle of the picture, with these values in place of harmless ones."""
    row = {"means": [0, 0, 2], "quats_wxyz": [1, 0, 0, 0], "scales": [0.1] * 3, "opacities": 0.9, "colors": [1, 0, 0]}
    one = Gaussians(**{name: torch.tensor([value], dtype=torch.float32) for name, value in (row | values).items()})
    return Gaussians.concat(gaussians, one)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_any_number_of_threads_gives_the_same_bits(threads):
    scene, extra = cloud(5000), torch.rand(5000, 2)
    scene = dataclasses.replace(scene, colors=torch.randn(5000, 9, 3), opacities=scene.opacities / 20)
    results = []
    for count in (1, threads):
        seen_from = camera().at(torch.eye(4).requires_grad_())
        maps, grads = render_and_backward(scene, configured("backends/render=cpu", threads=count), extra, seen_from)
        results.append((*maps, *grads, seen_from.cam_from_world.grad))
    assert_identical(*results)


def test_the_order_of_the_gaussians_does_not_matter():
    scene, shuffle = cloud(300), torch.randperm(300)
    maps, grads = render_and_backward(scene)
    shuffled_maps, shuffled_grads = render_and_backward(scene.subset(shuffle))
    assert_identical(maps, shuffled_maps)
    assert_identical([grad[shuffle] for grad in grads], shuffled_grads)


def test_equal_depths_keep_the_order_of_the_gaussians():
    red_first = with_row(with_row(Gaussians.empty()), colors=[0, 1, 0])
    center = RENDERER(red_first, [camera()])[0].rgb[25, 75]
    assert center[0] > 5 * center[1] > 0


@pytest.mark.parametrize(
    "values",
    [
        {"means": [0, 0, -2]},
        {"means": [0, 0, 0.009]},
        {"means": [0, 0, 2e10]},
        {"means": [1e20, 0, 2]},
        {"means": [NAN, 0, 2]},
        {"means": [INF, 0, 2]},
        {"means": [0, 0, INF]},
        {"quats_wxyz": [0, 0, 0, 0]},
        {"quats_wxyz": [NAN, 0, 0, 0]},
        {"scales": [INF, 0.1, 0.1]},
        {"scales": [0.1, NAN, 0.1]},
        {"opacities": 0.0039},
        {"opacities": -1},
        {"opacities": NAN},
        {"opacities": INF},
        {"colors": [NAN, 0, 0]},
        {"colors": [0, INF, 0]},
    ],
    ids=str,
)
def test_a_gaussian_that_cannot_be_drawn_changes_nothing_and_gets_no_gradient(values):
    scene = cloud(60)
    maps, grads = render_and_backward(scene)
    maps_with, grads_with = render_and_backward(with_row(scene, **values))
    assert_identical(maps, maps_with)
    assert_identical(grads, [grad[:-1] for grad in grads_with])
    assert all((grad[-1] == 0).all() for grad in grads_with)


@pytest.mark.parametrize(
    ("near_z", "far_z", "drawn"), [(2, 3, True), (1, 2, True), (2.001, 3, False), (1, 1.999, False)]
)
def test_the_near_and_far_planes_belong_to_what_is_seen(near_z, far_z, drawn):
    got = configured("backends/render=cpu", near_z=near_z, far_z=far_z)(with_row(Gaussians.empty()), [camera()])[0]
    assert bool(got.alpha.max() > 0) == drawn


@pytest.mark.parametrize("scale", [1e4, 1e10, 1e25, 1e38])
def test_a_huge_gaussian_fills_the_picture_evenly(scale):
    scene = with_row(Gaussians.empty(), scales=[scale, scale, 0], opacities=0.5)
    maps, grads = render_and_backward(scene)
    assert (maps[2] - 0.5).abs().max() < 1e-4
    assert (maps[1] - 2).abs().max() < 1e-5
    assert all(grad.isfinite().all() for grad in grads)


def test_an_empty_scene_is_black_and_may_be_differentiated():
    maps, grads = render_and_backward(Gaussians.empty())
    assert all(values.abs().max() == 0 for values in maps)
    assert [grad.shape[0] for grad in grads] == [0] * 5


def test_only_what_is_wanted_comes_back_and_it_is_the_same():
    scene, extra = cloud(200), torch.rand(200, 1)
    whole = RENDERER(scene, [camera()], extra=extra)[0]
    for want, with_extra in [(("alpha",), False), (("z",), False), (("rgb",), True), ((), True), (("z", "rgb"), True)]:
        got = RENDERER(scene, [camera()], want=want, extra=extra if with_extra else None)[0]
        for name in ("rgb", "z", "alpha", "extra"):
            expected = name in want or (name == "extra" and with_extra)
            assert (getattr(got, name) is not None) == expected
            assert not expected or torch.equal(getattr(got, name), getattr(whole, name))


def test_what_else_is_wanted_leaves_a_map_s_gradient_alone():
    for name in ("rgb", "z", "alpha"):
        alone, beside = leaves(cloud(200)), leaves(cloud(200))
        getattr(RENDERER(alone, [camera()], want=(name,))[0], name).sum().backward()
        getattr(RENDERER(beside, [camera()], extra=torch.rand(200, 2))[0], name).sum().backward()
        for (_, a), (_, b) in zip(alone.tensors(), beside.tensors(), strict=True):
            assert a.grad is None or (a.grad - b.grad).norm() <= 1e-5 * b.grad.norm()


def test_cameras_are_drawn_one_after_another():
    scene, cameras = cloud(100), [camera(), camera(20, 60), camera()]
    alone = [RENDERER(scene, [c])[0] for c in cameras]
    for a, b in zip(alone, RENDERER(scene, cameras), strict=True):
        assert torch.equal(a.rgb, b.rgb)


def test_the_gradient_of_an_extra_channel_counts_contributions():
    """Summed over the pixels, a channel's gradient is each Gaussian's share of alpha."""
    scene = cloud(200)
    extra = torch.zeros(200, 1, requires_grad=True)
    got = RENDERER(scene, [camera()], extra=extra)[0]
    got.extra.sum().backward()
    assert extra.grad.min() == 0 < extra.grad.max()
    assert extra.grad.sum().item() == pytest.approx(got.alpha.sum().item(), rel=1e-5)


def test_nothing_shows_through_an_opaque_wall():
    wall = with_row(
        with_row(cloud(50), means=[0, 0, 1], scales=[9, 9, 0.01], opacities=1),
        means=[0, 0, 0.9],
        scales=[9, 9, 0.01],
        opacities=1,
    )
    extra = torch.zeros(52, 1, requires_grad=True)
    RENDERER(wall, [camera()], extra=extra)[0].extra.sum().backward()
    assert extra.grad[:50].max() < 1e-3 * extra.grad[51].item()


def test_a_gradient_at_an_untouched_pixel_is_not_felt():
    """As that of log z where nothing was drawn, which is infinite."""
    scene = leaves(with_row(Gaussians.empty()))
    got = RENDERER(scene, [camera()])[0]
    assert got.alpha.min() == 0
    (got.z.log() + got.alpha.sqrt() + got.rgb.sum(-1).sqrt()).sum().backward()
    for name in ("means", "opacities", "colors"):
        assert getattr(scene, name).grad.isfinite().all()


def test_a_change_in_place_before_backward_is_an_error():
    scene = leaves(cloud(10))
    loss = RENDERER(scene, [camera()])[0].rgb.sum()
    with torch.no_grad():
        scene.means.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        *(("near_z", 0), ("near_z", NAN), ("far_z", 0.001), ("eps2d_px2", -1), ("eps2d_px2", INF), ("threads", 0)),
        *(("mode", "fast"), ("radius_clip_px", -1), ("radius_clip_px", INF), ("background", (0, 0, 2))),
        *(("background", (0, 0)), ("background", (0, NAN, 0))),
    ],
)
def test_a_bad_knob_is_named(knob, value):
    with pytest.raises(ValueError, match=rf"CpuRenderer\..*{knob}.*got .*{re.escape(str(value))}"):
        configured("backends/render=cpu", **{knob: value})


def test_a_picture_that_does_not_fit_into_memory_is_refused_with_its_figures(monkeypatch):
    scene = leaves(with_row(cloud(100), scales=[9, 9, 9]))
    monkeypatch.setattr(main_memory, "free_bytes", lambda: 400_000)
    monkeypatch.setattr(memory, "_UNASKED", 0)
    RENDERER(scene.detach(), [camera()])
    with pytest.raises(UserError, match=r"101 Gaussians at 150x50 pixels meet \d\d\d tiles.*needed.*0.0 GB are free"):
        RENDERER(scene, [camera()])


@pytest.mark.parametrize(("size", "scale"), [(4, 1.0), (700, 0.5)])
def test_the_memory_asked_for_is_the_memory_used(monkeypatch, size, scale):
    """As tracemalloc counts numpy's, to which come torch's maps. Gaussians dominate first, then pairs and pixels."""
    asked = []
    monkeypatch.setattr(
        drawing, "require_memory", lambda *args: asked.append((tracemalloc.get_traced_memory()[0], args))
    )
    scene, lens = cloud(20_000), make_lens(camera(size, size), 0.01, 1e10, 0.3, False, 0.0)
    arrays = Parameters(*(tensor.numpy() for _, tensor in scene.tensors()))
    arrays.scales[:] *= scale
    render_and_backward(cloud(1))  # compiled before memory is traced
    tracemalloc.start()
    drawn = drawing.draw(arrays, True, np.eye(4), lens, threads=1, with_slots=True)
    drawing.gradient(drawn, np.zeros_like(drawn.image), np.zeros_like(drawn.transmittance), threads=1, with_pose=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    before, (width, height, *rest) = asked[-1]
    used = peak - before + 4 * size * size * (4 + 1)  # z divided, colours apart, alpha
    assert used == pytest.approx(needed_bytes(width * height, *rest), rel=0.2)


def test_gaussians_of_another_device_get_maps_and_gradients_there():
    scene, extra = cloud(300), torch.rand(300, 2)
    maps, grads = render_and_backward(scene, extra=extra)
    with FakeDevice():
        there = leaves(scene.to("cuda"))
        got = RENDERER(there, [camera()], extra=extra.to("cuda"))[0]
        drawn = [got.rgb, got.z, got.alpha, got.extra]
        rng = torch.Generator().manual_seed(1)
        sum((torch.randn(t.shape, generator=rng).to("cuda") * t).sum() for t in drawn).backward()
        found = [*drawn, *(tensor.grad for _, tensor in there.tensors())]
        assert all(isinstance(each, OnCuda) for each in found)
        assert_identical([each.detach().cpu() for each in found], [*maps, *grads])


def test_bad_input_is_named():
    scene, renderer = cloud(4), RENDERER
    double = dataclasses.replace(scene, means=scene.means.double())
    for message, draw in {
        "means are torch.float64": lambda: renderer(double, [camera()]),
        "want": lambda: renderer(scene, [camera()], want=["depth"]),
        "extra": lambda: renderer(scene, [camera()], extra=torch.zeros(5, 1)),
    }.items():
        with pytest.raises(ValueError, match=message):
            draw()
