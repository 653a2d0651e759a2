"""The loss looks at surfaces when it should, reads the depth that it is told to, and remembers what it must."""

from dataclasses import replace

import jaxtyping
import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Rendering, View
from vistadream.ops.fit.surface_loss import ShapeKeeping, SurfaceLoss, SurfaceTerms

RENDERER = configured("backends/render=cpu")

CAMERA = Camera.from_fov(60, 32, 24)
ALL = torch.ones(24, 32, dtype=torch.bool)
SLANTED = 1 / (0.6 - 0.2 * CAMERA.rays()[..., 0])
TERMS = SurfaceTerms(depth="median", depth_weight=1.0, normal_weight=0.5, cycle_weight=0.0, every=1, align_every=10)


def view(name: str = "v", right: float = 0.0) -> View:
    pose = torch.eye(4)
    pose[0, 3] = -right
    return View(name, CAMERA.at(pose), torch.zeros(24, 32, 3), SLANTED, ALL, ALL, ~ALL)


def loss(terms: SurfaceTerms = TERMS, views: tuple[View, ...] = (view(),), order: list[int] | None = None):
    return SurfaceLoss(terms, lambda view, rendering: torch.tensor(0.25), views, order or [0] * 100)


def bent(amount: float = 0.1) -> Rendering:
    return Rendering(z_median=SLANTED * (1 + amount * torch.sin(20 * CAMERA.rays()[..., 0])), z=SLANTED)


def test_each_kind_of_depth_reads_its_own_map() -> None:
    """The drawn median is bent, the expected depth is right."""
    median, expected, none = (loss(replace(TERMS, depth=kind)) for kind in ("median", "expected", "none"))
    assert [rule.want(0) for rule in (median, expected, none)] == [("rgb", "z_median"), ("rgb", "z"), ("rgb",)]
    assert float(median(view(), bent(), 0)) > 0.28
    assert float(expected(view(), bent(), 0)) == pytest.approx(0.25, abs=1e-4)
    assert float(none(view(), bent(), 0)) == 0.25


def test_weights_of_zero_ask_for_no_depth() -> None:
    assert loss(replace(TERMS, depth_weight=0.0, normal_weight=0.0)).want(0) == ("rgb",)


def test_every_so_many_whole_views_count_so_many_times() -> None:
    """Index 1 is no View but a close-up of one: it has no surface to match."""
    order = [0, 1, 0, 0, 1, 0, 0]
    often, seldom = loss(order=order), loss(replace(TERMS, every=2), order=order)
    looks = [[step for step in range(len(order)) if len(rule.want(step)) > 1] for rule in (often, seldom)]
    assert looks == [[0, 2, 3, 5, 6], [0, 3, 6]]
    assert float(seldom(view(), bent(), 0)) - 0.25 == pytest.approx(2 * (float(often(view(), bent(), 0)) - 0.25))
    assert float(seldom(view(), bent(), 2)) == 0.25


def test_a_prior_is_aligned_anew_at_the_first_look_after_so_many_steps() -> None:
    rule = loss(replace(TERMS, align_every=10))
    scales = []
    for step, unit in ((3, 1.0), (9, 2.0), (11, 4.0), (19, 8.0), (20, 16.0)):
        rule(view(), Rendering(z_median=unit * SLANTED), step)
        scales.append(round(1 / rule.alignments["v"].scale, 3))
    assert scales == [1, 1, 4, 4, 16]


def test_a_resumed_loss_costs_the_same() -> None:
    """Alignments and the depth that views were last drawn with are remembered, to the bit."""
    terms, views = replace(TERMS, cycle_weight=1.0), (view("a"), view("b", 0.2))
    begun, resumed = loss(terms, views, [0, 1] * 50), loss(terms, views, [0, 1] * 50)
    for step in range(4):
        begun(views[step % 2], bent(0.02 * step), step)
    resumed.load_state({name: tensor.clone() for name, tensor in begun.state().items()})
    costs = [float(rule(views[0], bent(0.05), 4)) for rule in (begun, resumed)]
    assert costs[0] == costs[1]
    assert costs[0] != float(loss(terms, views, [0, 1] * 50)(views[0], bent(0.05), 4))
    assert resumed.alignments == begun.alignments


def test_two_views_of_one_surface_agree_and_of_two_surfaces_do_not() -> None:
    terms = replace(TERMS, depth_weight=0.0, normal_weight=0.0, cycle_weight=1.0)
    views = (view("a"), view("b", 0.3))
    flat = torch.full((24, 32), 2.0)
    for other, agrees in ((flat, True), (1.02 * flat, False)):
        rule = loss(terms, views, [0, 1] * 50)
        rule(views[0], Rendering(z_median=flat), 0)
        z = other.clone().requires_grad_()
        cost = rule(views[1], Rendering(z_median=z), 1) - 0.25
        cost.backward()
        assert (float(cost.detach()) < 1e-5) is agrees
        if not agrees:
            assert float((z.grad * z.detach()).sum()) > 0, "nearer would agree better"


def test_depth_is_drawn_as_ever_but_only_colours_pull_at_scales() -> None:
    rng = torch.Generator().manual_seed(0)
    scales = (0.1 + 0.1 * torch.rand(40, 3, generator=rng)).requires_grad_()
    means = torch.randn(40, 3, generator=rng) * 0.3 + torch.tensor([0.0, 0.0, 2.0])
    gaussians = Gaussians(means, torch.randn(40, 4, generator=rng), scales, torch.full((40,), 0.9), means)
    want, plain = ("rgb", "z", "z_median"), RENDERER
    kept = ShapeKeeping(plain)(gaussians, [CAMERA], want=want)[0]
    for name in want:
        torch.testing.assert_close(getattr(kept, name), getattr(plain(gaussians, [CAMERA], want=want)[0], name))
    ShapeKeeping(plain)(gaussians, [CAMERA], want=("rgb",))[0].rgb.sum().backward()
    by_colours, scales.grad = scales.grad, None
    (kept.rgb.sum() + kept.z_median.sum() + kept.z.sum()).backward()
    torch.testing.assert_close(scales.grad, by_colours)
    assert float(by_colours.abs().max()) > 0
    assert kept.alpha is None


@pytest.mark.parametrize(
    ("knob", "value"),
    [("depth", "mean"), ("depth_weight", -1.0), ("cycle_weight", float("inf")), ("every", 0), ("align_every", 0)],
)
def test_a_knob_out_of_range_is_refused_by_name(knob: str, value: object) -> None:
    with pytest.raises((ValueError, jaxtyping.TypeCheckError), match=knob):
        replace(TERMS, **{knob: value})
