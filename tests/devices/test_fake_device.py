"""The pretended GPU computes what the CPU computes, and reports what a GPU would wait for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.devices.fake_device import FakeDevice, OnCuda
from torch import Tensor

PLACES = torch.tensor([0, 2])


def _clamped(x: Tensor) -> Tensor:
    changed = x.clone()
    changed[1] = 0.25
    changed[:, 0] += 1
    return changed.clamp_(0, 0.5)


COMPUTED = {
    "a sum": lambda x: (x * x).sum(),
    "a scalar in where": lambda x: torch.where(x > 0.5, x, 0.25),
    "places written": _clamped,
    "rows of an index": lambda x: x[PLACES.to(x.device)],
    "index_add": lambda x: x.index_add(0, PLACES.to(x.device), torch.ones(2, 4, device=x.device)),
    "a convolution": lambda x: F.conv2d(x[None, None], torch.ones(1, 1, 3, 3, device=x.device), padding=1),
    "an inverse": lambda x: torch.linalg.inv(x @ x.mT + torch.eye(3, device=x.device)),
    "a factory like it": lambda x: torch.cat([x.new_zeros(2, 4), torch.ones_like(x)]),
    "numbers like it": lambda x: x * x.new_tensor([1.0, 2.0, 3.0, 4.0]),
    "a sort": lambda x: torch.sort(x.flatten()).values.double(),
}


@pytest.mark.parametrize("work", COMPUTED.values(), ids=COMPUTED.keys())
def test_results_and_gradients_are_those_of_the_cpu(work: Callable[[Tensor], Tensor]) -> None:
    x = torch.rand(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    expected = work(x)
    gradient = torch.autograd.grad(expected.sum(), x, allow_unused=True)[0] if expected.requires_grad else None
    with FakeDevice():
        on_cuda = x.detach().to("cuda").requires_grad_()
        got = work(on_cuda)
        assert got.device.type == "cuda"
        assert torch.equal(got.detach().cpu(), expected)
        if gradient is not None:
            (own,) = torch.autograd.grad(got.sum(), on_cuda)
            assert torch.equal(own.cpu(), gradient)


def test_a_gradient_comes_back_through_a_copy() -> None:
    x = torch.rand(3, requires_grad=True)
    with FakeDevice():
        (x.to("cuda") ** 2).cpu().sum().backward()
    assert torch.equal(x.grad, 2 * x.detach())


def test_tensors_of_both_devices_do_not_mix() -> None:
    with FakeDevice():
        on_cuda = torch.ones(3, device="cuda")
        assert float((on_cuda * torch.tensor(2.0)).sum()) == 6
        with pytest.raises(RuntimeError, match="same device"):
            on_cuda + torch.ones(3)
        with pytest.raises(TypeError, match="numpy"):
            on_cuda.numpy()


WAITS = {
    "a value": float,
    "a truth": lambda x: bool((x > 0).any()),
    "a list": lambda x: x.tolist(),
    "a mask": lambda x: x[x > 0.5],
    "places": lambda x: torch.nonzero(x),
    "a copy": lambda x: x.cpu(),
    "a copy to it": lambda x: torch.ones(3).to(x.device),
    "a constant": lambda x: torch.tensor([1.0], device=x.device),
    "a constant like it": lambda x: x.new_tensor([1.0]),
}


@pytest.mark.parametrize("work", WAITS.values(), ids=WAITS.keys())
def test_what_the_cpu_waits_for_is_counted(work: Callable[[Tensor], object]) -> None:
    with FakeDevice() as device:
        x = torch.zeros((), device="cuda") if work is float else torch.zeros(3, device="cuda")
        assert not device.crossings
        work(x)
        assert len(device.crossings) == 1


def test_apples_gpus_have_no_double_precision() -> None:
    with FakeDevice("mps"):
        x = torch.ones(3, dtype=torch.float64).to("mps", torch.float32)
        assert x.device.type == "mps"
        assert not x.is_cuda
        for work in (x.double, lambda: torch.ones(3).double().to("mps")):
            with pytest.raises(TypeError, match="float64"):
                work()
    with FakeDevice():
        assert torch.ones(3, device="cuda").double().device.type == "cuda"


def test_other_tensors_stay_as_they_are() -> None:
    with FakeDevice() as device:
        assert not isinstance(torch.ones(3) + torch.ones(3, device="cpu"), OnCuda)
        assert not device.crossings


def test_views_launch_nothing() -> None:
    with FakeDevice() as device:
        x = torch.zeros(3, 4, device="cuda")
        device.launches.clear()
        y = x.mT[1:, None]
        assert not device.launches
        assert (y + 1).shape == (3, 1, 3)
        assert device.launches == ["aten.add"]
