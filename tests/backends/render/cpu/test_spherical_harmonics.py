"""Spherical harmonics against the reference functions that gsplat publishes in torch; no GPU is needed."""

import pytest
import torch

from vistadream.backends.render.cpu.spherical_harmonics import sh_colors

reference = pytest.importorskip("gsplat.cuda._torch_impl", reason="gsplat is not installed: see the extra dev")


COUNT = 2000


@pytest.mark.parametrize("degree", range(4))
def test_spherical_harmonics_and_their_gradients_equal_those_of_gsplat(degree):
    rng = torch.Generator().manual_seed(degree)
    shapes = ((COUNT, (degree + 1) ** 2, 3), (COUNT, 3), (3,))
    ours = [torch.randn(shape, generator=rng, requires_grad=True) for shape in shapes]
    exact = coefficients, means, center = [value.detach().double().requires_grad_() for value in ours]
    got = sh_colors(*ours, threads=2)
    expected = (reference._spherical_harmonics(degree, means - center, coefficients) + 0.5).clamp_min(0)
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=2e-6)
    weights = torch.randn(COUNT, 3, generator=rng)
    our_grads = torch.autograd.grad(got, ours, weights)
    exact_grads = torch.autograd.grad(expected, exact, weights.double(), materialize_grads=True)
    for our_grad, exact_grad in zip(our_grads, exact_grads, strict=True):
        assert (our_grad - exact_grad).norm() <= 1e-5 * exact_grad.norm()
