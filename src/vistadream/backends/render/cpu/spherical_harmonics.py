"""View-dependent colors: real spherical harmonics of degree 0 to 3, ordered and signed as in 3DGS and gsplat.

rgb = max(0, 1/2 + sum_k b_k(d) c_k), where d is the direction from the camera to the Gaussian. The polynomials are
those of Sloan 2013, "Efficient Spherical Harmonic Evaluation", JCGT 2(2).
"""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.ops.numerics.jit import inlined, kernel
from vistadream.ops.numerics.threads import over_range

_C0 = math.sqrt(1 / (4 * math.pi))
_C1 = math.sqrt(3 / (4 * math.pi))
_XY, _ZZ = math.sqrt(15 / (4 * math.pi)), math.sqrt(5 / (16 * math.pi))
_XXX, _XYZ = math.sqrt(35 / (32 * math.pi)), math.sqrt(105 / (4 * math.pi))
_XZZ, _ZZZ = math.sqrt(21 / (32 * math.pi)), math.sqrt(7 / (16 * math.pi))


def sh_colors(
    coefficients: Float[Tensor, "n k 3"], means: Float[Tensor, "n 3"], camera_center: Float[Tensor, "3"], threads: int
) -> Float[Tensor, "n 3"]:
    """RGB of each Gaussian as seen from `camera_center` (world), differentiable in all three; k is 1, 4, 9 or 16."""
    return _Colors.apply(coefficients, means, camera_center, threads)


class _Colors(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, coefficients: Tensor, means: Tensor, center: Tensor, threads: int) -> Tensor:
        rgb = torch.empty_like(means)
        ctx.save_for_backward(coefficients, means, center)
        ctx.arrays = [t.detach().contiguous().numpy() for t in (coefficients, means, center.double(), rgb)]
        ctx.threads = threads
        over_range(threads, len(rgb), lambda a, b: _fill_colors(a, b, *ctx.arrays))
        return rgb

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, rgb_grad: Tensor) -> tuple[Tensor | None, ...]:
        *_, center = ctx.saved_tensors
        to_rgb = rgb_grad.contiguous().numpy()
        grads = [np.zeros_like(array) for array in ctx.arrays[:2]]
        over_range(ctx.threads, len(to_rgb), lambda a, b: _fill_grads(a, b, *ctx.arrays, to_rgb, *grads))
        to_center = torch.from_numpy(-grads[1].sum(0, dtype=np.float64)).to(center.dtype)
        return *map(torch.from_numpy, grads), to_center, None


@kernel(nogil=True, error_model="numpy")
def _fill_colors(first, last, coefficients, means, center, rgb):
    count = coefficients.shape[1]
    basis = np.empty(count)
    for i in range(first, last):
        x, y, z, _ = _direction(i, means, center)
        _fill_basis(x, y, z, basis)
        for c in range(3):
            value = 0.5
            for k in range(count):
                value += basis[k] * coefficients[i, k, c]
            rgb[i, c] = 0.0 if value < 0.0 else value  # NaN is kept, so that the renderer leaves the Gaussian out


@kernel(nogil=True, error_model="numpy")
def _fill_grads(first, last, coefficients, means, center, rgb, rgb_grad, coefficients_grad, means_grad):
    """Fills the gradients of coefficients and means; rows without an upstream gradient are not changed."""
    count = coefficients.shape[1]
    basis, to_basis = np.empty(count), np.empty(count)
    for i in range(first, last):
        if rgb_grad[i, 0] == 0.0 and rgb_grad[i, 1] == 0.0 and rgb_grad[i, 2] == 0.0:
            continue
        x, y, z, per_length = _direction(i, means, center)
        _fill_basis(x, y, z, basis)
        to_basis[:] = 0.0
        for c in range(3):
            if rgb[i, c] > 0.0:
                for k in range(count):
                    coefficients_grad[i, k, c] = basis[k] * rgb_grad[i, c]
                    to_basis[k] += coefficients[i, k, c] * rgb_grad[i, c]
        to_x, to_y, to_z = _direction_grad(x, y, z, to_basis)
        along = to_x * x + to_y * y + to_z * z
        means_grad[i, 0] = (to_x - along * x) * per_length
        means_grad[i, 1] = (to_y - along * y) * per_length
        means_grad[i, 2] = (to_z - along * z) * per_length


@inlined(error_model="numpy")
def _direction(i, means, center):
    """The unit vector from the camera to mean i, and 1 / distance."""
    x, y, z = means[i, 0] - center[0], means[i, 1] - center[1], means[i, 2] - center[2]
    per_length = 1.0 / math.sqrt(x * x + y * y + z * z)
    return x * per_length, y * per_length, z * per_length, per_length


@inlined(error_model="numpy")
def _fill_basis(x, y, z, basis):
    """Fills basis[k] at the unit vector (x, y, z), up to the degree given by its length."""
    basis[0] = _C0
    if len(basis) > 1:
        basis[1], basis[2], basis[3] = -_C1 * y, _C1 * z, -_C1 * x
    if len(basis) > 4:
        basis[4], basis[5], basis[7] = _XY * x * y, -_XY * y * z, -_XY * x * z
        basis[6] = _ZZ * (3.0 * z * z - 1.0)
        basis[8] = 0.5 * _XY * (x * x - y * y)
    if len(basis) > 9:
        five = 5.0 * z * z
        basis[9], basis[15] = -_XXX * y * (3.0 * x * x - y * y), -_XXX * x * (x * x - 3.0 * y * y)
        basis[10], basis[14] = _XYZ * x * y * z, 0.5 * _XYZ * z * (x * x - y * y)
        basis[11], basis[13] = -_XZZ * y * (five - 1.0), -_XZZ * x * (five - 1.0)
        basis[12] = _ZZZ * z * (five - 3.0)


@inlined(error_model="numpy")
def _direction_grad(x, y, z, to_basis):
    """The gradient of (x, y, z) before its normalization, from the gradient of the basis."""
    w = to_basis
    to_x, to_y, to_z = 0.0, 0.0, 0.0
    if len(w) > 1:
        to_x, to_y, to_z = -_C1 * w[3], -_C1 * w[1], _C1 * w[2]
    if len(w) > 4:
        to_x += _XY * (w[4] * y - w[7] * z + w[8] * x)
        to_y += _XY * (w[4] * x - w[5] * z - w[8] * y)
        to_z += 6.0 * _ZZ * w[6] * z - _XY * (w[5] * y + w[7] * x)
    if len(w) > 9:
        bend, saddle = 5.0 * z * z - 1.0, x * x - y * y
        to_x += (
            _XYZ * (w[10] * y + w[14] * x) * z
            - _XZZ * w[13] * bend
            - 3.0 * _XXX * (2.0 * w[9] * x * y + w[15] * saddle)
        )
        to_y += (
            _XYZ * (w[10] * x - w[14] * y) * z
            - _XZZ * w[11] * bend
            - 3.0 * _XXX * (w[9] * saddle - 2.0 * w[15] * x * y)
        )
        to_z += _XYZ * (w[10] * x * y + 0.5 * w[14] * saddle) + 3.0 * _ZZZ * w[12] * bend
        to_z -= 10.0 * _XZZ * (w[11] * y + w[13] * x) * z
    return to_x, to_y, to_z
