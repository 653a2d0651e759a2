"""A fit on a GPU: the numbers of the CPU, and nothing that the CPU waits for within a step.

Without a GPU the pretended one of fake_device.py takes its place; with one, the numbers are checked on it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from tests.devices.fake_device import FakeDevice
from torch import Tensor

from vistadream.core import Camera, Gaussians, Note, Rendering, View, silent, use_checkpoints
from vistadream.ops.fit.adam import GaussianAdam, LearningRates
from vistadream.ops.fit.budget import densify, merge_alike
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.fit.loop import Adapt, Change, fit, view_order
from vistadream.ops.fit.photometric import l1_dssim
from vistadream.ops.fit.rollback import EVERY
from vistadream.ops.fit.surface_loss import ShapeKeeping, SurfaceLoss, SurfaceTerms
from vistadream.ops.fit.zoomed_crop import WithZoomedCrops

RATES = LearningRates(means=0.05, quats=0.01, scales=0.01, opacities=0.05, colors=0.02)
FITTING = Fitting(RATES, zoomed_share=0.5, dssim=0.2, generated_weight=0.5, spread_weight=0.0)
TERMS = SurfaceTerms(depth="expected", depth_weight=0.5, normal_weight=0.2, cycle_weight=0.1, every=2, align_every=20)
CAMERA = Camera.from_fov(60, 32, 24)
GPUS = ["pretended", *(["real"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=GPUS)
def gpu(request: pytest.FixtureRequest) -> Iterator[FakeDevice | None]:
    """Within it "cuda" is a GPU; None for a real one, which counts nothing."""
    with FakeDevice() if request.param == "pretended" else nullcontext() as device:
        yield device


def drawn(
    gaussians: Gaussians, cameras: Sequence[Camera], *, want: Sequence[str] = ("rgb",), extra: Tensor | None = None
) -> list[Rendering]:
    """Round Gaussians blended from near to far in every pixel, without a choice of those that matter."""
    renderings = []
    for camera in cameras:
        centers, z = camera.project(gaussians.means)
        near = z.argsort()
        rays = camera.rays(z.device)
        px = torch.stack([rays[..., 0] * camera.fx + camera.cx, rays[..., 1] * camera.fy + camera.cy], -1)
        size = camera.fx * gaussians.scales.mean(-1) / z
        reach = ((px[:, :, None] - centers[near]) / size[near, None]).square().sum(-1)
        alpha = 0.99 * gaussians.opacities[near] * torch.exp(-0.5 * reach)
        passed = (1 - alpha).cumprod(-1)
        weight = alpha * torch.cat([torch.ones_like(passed[..., :1]), passed[..., :-1]], -1)
        depth = (weight * z[near]).sum(-1) / weight.sum(-1)
        blended = None if extra is None else weight @ extra[near]
        renderings.append(Rendering(rgb=weight @ gaussians.colors[near], z=depth, z_median=depth, extra=blended))
    return renderings


def wall(n: int = 60) -> Gaussians:
    rng = torch.Generator().manual_seed(1)
    means = torch.rand(n, 3, generator=rng) * torch.tensor([2.4, 1.8, 0.3]) + torch.tensor([-1.2, -0.9, 2.0])
    scales = 0.1 + 0.1 * torch.rand(n, 3, generator=rng)
    quats = torch.nn.functional.normalize(torch.randn(n, 4, generator=rng), dim=-1)
    return Gaussians(means, quats, scales, torch.full((n,), 0.7), torch.rand(n, 3, generator=rng))


def views() -> list[View]:
    made = []
    for i in range(3):
        pose = torch.eye(4)
        pose[0, 3] = 0.1 * i
        camera, mask = CAMERA.at(pose), torch.rand(24, 32, generator=torch.Generator().manual_seed(i)) > 0.2
        u, v = camera.rays()[..., 0], camera.rays()[..., 1]
        rgb = torch.stack([u, v, u * v], -1).mul(3).sin() / 2 + 0.5
        made.append(View(f"view {i}", camera, rgb, 2.2 + 0.2 * u, mask, mask, u > 0.4, confidence=mask * 0.5 + 0.25))
    return [*made[:2], replace(made[2], normals=torch.tensor([0.1, 0.0, -0.99]).expand(24, 32, 3).contiguous())]


def fitted(device: str, steps: int = 25, loss_of=None, observe=silent, adapt: Adapt | None = None) -> Gaussians:
    """The whole fit of the refine stage."""
    posed = [view.to(device) for view in views()]
    crops = WithZoomedCrops(posed)
    order = crops.order(view_order([1, 1, 1], steps, seed=0), FITTING.zoomed_share)
    loss = SurfaceLoss(TERMS, FITTING.loss, posed, order)
    loss = loss_of(loss) if loss_of else loss
    want = getattr(loss, "want", lambda step: ("rgb", "z"))
    return fit(
        wall().to(device),
        crops,
        ShapeKeeping(drawn),
        loss,
        RATES,
        order=order,
        want=want,
        observe=observe,
        name="t",
        adapt=adapt,
    )


def close(found: Gaussians, wanted: Gaussians, atol: float = 2e-3) -> None:
    for (name, a), (_, b) in zip(found.to("cpu").tensors(), wanted.tensors(), strict=True):
        torch.testing.assert_close(a, b, atol=atol, rtol=0, msg=lambda text, name=name: f"{name}: {text}")


def test_the_loss_and_its_gradient_are_those_of_the_kernels(gpu: FakeDevice | None) -> None:
    target, weight = torch.rand(31, 45, 3), torch.rand(31, 45) * (torch.rand(31, 45) > 0.3)
    x = (target + 0.1 * torch.randn(31, 45, 3)).requires_grad_()
    there = x.detach().to("cuda").requires_grad_()
    for dssim in (0.0, 0.2, 1.0):
        wanted = l1_dssim(x, target, weight, dssim)
        found = l1_dssim(there, target.to("cuda"), weight.to("cuda"), dssim)
        assert abs(found.item() - wanted.item()) < 1e-5
        (own,) = torch.autograd.grad(wanted, x)
        (theirs,) = torch.autograd.grad(found, there)
        assert float((theirs.cpu() - own).norm()) < 1e-5 * float(own.norm()) + 1e-9
    nothing = l1_dssim(there, target.to("cuda"), torch.zeros(31, 45, device="cuda"), 0.2)
    assert float(nothing.detach()) == 0


def test_steps_of_the_packed_adam_are_those_of_the_cpu(gpu: FakeDevice | None) -> None:
    rates = LearningRates(0.1, 0.02, 0.03, 0.04, 0.05)
    here, there = GaussianAdam(wall(50), rates), GaussianAdam(wall(50).to("cuda"), rates)
    for step in range(5):
        weights = torch.randn(50, 3) * (torch.rand(50, 3) > 0.5) * 10.0**-step
        for adam, w in ((here, weights), (there, weights.to("cuda"))):
            g = adam.gaussians()
            ((g.means + g.scales + g.colors) * w).sum().add((g.opacities * w[:, 0]).sum()).backward()
            assert bool(adam.step(0.9).isfinite().all())
        if step == 2:  # a state goes over, in both directions
            saved = {name: tensor.cpu() for name, tensor in there.state().items()}
            here.load(saved)
            there.load({name: tensor.to("cuda") if tensor.dim() else tensor for name, tensor in here.state().items()})
    close(there.gaussians().detach(), here.gaussians().detach(), atol=1e-4)


def test_a_gradient_that_is_not_finite_leaves_no_parameter_that_is_not(gpu: FakeDevice | None) -> None:
    adam = GaussianAdam(wall(5).to("cuda"), RATES)
    (adam.gaussians().colors * torch.nan).sum().backward()
    assert not bool(adam.step(1.0).isfinite().all())
    assert all(bool(tensor.isfinite().all()) for _, tensor in adam.gaussians().detach().tensors())


def test_gaussians_are_added_and_merged_as_on_the_cpu(gpu: FakeDevice | None) -> None:
    posed, start = views(), wall()
    flat = replace(start, means=start.means * torch.tensor([1.0, 1.0, 0.0]) + torch.tensor([0.0, 0.0, 2.0]))
    there = [view.to("cuda") for view in posed]
    knobs = {"min_views": 1, "min_error": 0.2, "max_share": 0.3, "seed": 0}
    wanted, found = densify(start, posed, drawn, **knobs), densify(start.to("cuda"), there, drawn, **knobs)
    assert 0 < int((~wanted.keep).sum()) < 60
    assert torch.equal(found.keep.cpu(), wanted.keep)
    close(found.added, wanted.added, atol=1e-4)
    merged = merge_alike(flat, posed, drawn, 0.5)
    assert len(merged) < 60
    close(merge_alike(flat.to("cuda"), there, drawn, 0.5), merged, atol=1e-4)


def test_a_whole_fit_is_that_of_the_cpu(gpu: FakeDevice | None) -> None:
    def adapt(device: str) -> Adapt:
        """Drops four Gaussians and adds two after 15 steps."""
        return Adapt(frozenset({15}), lambda *_: Change(torch.arange(60).to(device) > 3, wall(2).to(device)))

    close(fitted("cuda", adapt=adapt("cuda")), fitted("cpu", adapt=adapt("cpu")))


def test_nothing_is_waited_for_within_a_step() -> None:
    """Steps are judged together by one reading; a prior is aligned at some steps; all is copied in the first steps."""
    begun: dict[int, int] = {}
    aligned: dict[int, int] = {}
    with FakeDevice() as device:

        def counted(loss: SurfaceLoss) -> SurfaceLoss:
            asked = loss.want

            def want(step: int) -> tuple[str, ...]:
                begun[step] = len(device.crossings)
                aligned[step] = sum(loss._aligned_at.values())
                return asked(step)

            loss.want = want
            return loss

        fitted("cuda", steps=3 * EVERY, loss_of=counted)
    steps = [step for step in range(2 * EVERY, 3 * EVERY - 1) if aligned[step] == aligned[step + 1]]
    waits = {step: device.crossings[begun[step] : begun[step + 1]] for step in steps}
    assert len(waits) > EVERY / 2
    assert not any(waits.values())
    assert device.crossings[begun[3 * EVERY - 1] :].count("tolist") == 1


def test_a_bad_step_is_undone_with_those_after_it(gpu: FakeDevice | None) -> None:
    """The fit goes on as on the CPU: from the last good state, at half the rates, with the step after the bad one."""

    def broken(loss):
        return lambda view, rendering, step: loss(view, rendering, step) * (torch.nan if step in (7, 23) else 1)

    told: dict[str, list] = {"cpu": [], "cuda": []}
    found = {}
    for device, heard in told.items():

        def observe(name, value, step=None, to=heard):
            to.append((name, value, step))

        found[device] = fitted(device, steps=30, loss_of=broken, observe=observe)
    close(found["cuda"], found["cpu"], atol=5e-3)  # what the loss keeps of the bad step differs
    said = {k: [v.text for _, v, _ in heard if isinstance(v, Note)] for k, heard in told.items()}
    assert said["cpu"] == said["cuda"]
    assert len(said["cpu"]) == 2
    steps = {k: [step for name, _, step in heard if name == "t/loss"] for k, heard in told.items()}
    assert steps["cpu"] == steps["cuda"]
    assert [step for name, _, step in told["cuda"] if name == "t/render"] == [0, 8, 20, 24]


def test_three_bad_steps_in_a_row_end_the_fit(gpu: FakeDevice | None) -> None:
    with pytest.raises(FloatingPointError, match="became nan at step 2"):
        fitted("cuda", loss_of=lambda loss: lambda view, rendering, step: loss(view, rendering, step) * torch.nan)


class Kept:
    """Checkpoints in main memory, of which number `fatal` is the last."""

    def __init__(self, fatal: int) -> None:
        self.state: dict[str, Tensor] | None = None
        self._left = fatal

    def load(self, name: str) -> dict[str, Tensor] | None:
        return self.state

    def due(self) -> bool:
        return True

    def save(self, name: str, state) -> None:
        self.state, self._left = {key: tensor.cpu().clone() for key, tensor in state.items()}, self._left - 1
        if self._left == 0:
            raise KeyboardInterrupt


def test_a_killed_fit_goes_on_to_the_same_bits(gpu: FakeDevice | None) -> None:
    unbroken, kept = fitted("cuda"), Kept(fatal=2)
    with pytest.raises(KeyboardInterrupt), use_checkpoints(kept):
        fitted("cuda")
    with use_checkpoints(kept):
        close(fitted("cuda"), unbroken.to("cpu"), atol=1e-6)
