"""Smooth continuation of known pixels into unknown ones: a multigrid solver of the Poisson equation on any mask."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from vistadream.ops.numerics.jit import kernel

SWEEPS = 24
"""Sweeps per level; after the solution of the coarser level only errors of short wavelength remain."""
COARSEST = 12
"""Short side in pixels of the coarsest level, where the sweeps alone are sufficient."""


def poisson_fill(
    values: Float[ndarray, "h w c"],
    known: Bool[ndarray, "h w"],
    slope: Float[ndarray, "h w c 2"] | None = None,
    decay_px: float = np.inf,
    outside: Bool[ndarray, "h w"] | None = None,
) -> Float[ndarray, "h w c"]:
    """`values` where known; elsewhere the u that minimizes the sum of |grad u - slope|^2 + (u / decay_px)^2.

    The method is that of Perez et al. 2003. `slope` is the required change per pixel along (x, y), zero by default.
    Pixels of `outside` take no part. The picture's border and the border of `outside` are natural (Neumann) boundaries:
    there u has the given slope. Pixels of `outside`, and all pixels when none is known, become 0. Nested iteration:
    each level starts from the solution of the next coarser one and is improved by successive over-relaxation.
    """
    outside = np.zeros_like(known) if outside is None else outside
    known = known & ~outside
    values = np.where(known[..., None], values, 0).astype(np.float64)
    slope = None if slope is None else slope.astype(np.float64)
    return _solve(values, known, outside, slope, 1.0 / decay_px**2)


def _solve(values: ndarray, known: ndarray, outside: ndarray, slope: ndarray | None, screen: float) -> ndarray:
    """Solves one level, after the coarser levels below it."""
    h, w, _ = values.shape
    unknown = ~(known | outside)
    if not unknown.any() or not known.any():
        return values
    sweeps = 8 * SWEEPS
    if min(h, w) > COARSEST:
        sweeps = SWEEPS
        coarser = _halve(values, known, outside, slope)
        values = np.where(unknown[..., None], _double(_solve(*coarser, 4 * screen), ~coarser[2])[:h, :w], values)
    inside = np.pad(~outside, 1)
    right = np.zeros(values.shape) if slope is None else _right_side(slope, inside)
    _relax(values, right, inside, *np.nonzero(unknown), screen, sweeps)
    return values


def _halve(
    values: ndarray, known: ndarray, outside: ndarray, slope: ndarray | None
) -> tuple[ndarray, ndarray, ndarray, ndarray | None]:
    """The problem at half the resolution: means over the known pixels of each 2x2 block; a slope per pixel doubles."""
    even = [(0, -n % 2) for n in known.shape]
    weight = _blocks(np.pad(known.astype(np.float64), even))
    total = _blocks(np.pad(values * known[..., None], [*even, (0, 0)]))
    mean = total / np.maximum(weight, 0.25)[..., None]
    left_out = _blocks(np.pad(outside.astype(np.float64), even, constant_values=1)) == 1
    steeper = None if slope is None else 2 * _blocks(np.pad(slope, [*even, (0, 0), (0, 0)], mode="edge"))
    return mean, weight > 0, left_out, steeper


def _blocks(x: ndarray) -> ndarray:
    return 0.25 * (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2])


def _double(x: ndarray, inside: ndarray) -> ndarray:
    """Bilinear upsampling with aligned pixel centers, from the pixels that are inside only."""
    h, w, c = x.shape
    weighted = np.dstack([x * inside[..., None], inside])
    weighted = cv2.resize(weighted, (2 * w, 2 * h), interpolation=cv2.INTER_LINEAR)
    return weighted[..., :c] / np.maximum(weighted[..., c:], 1e-3)


def _right_side(slope: ndarray, inside: ndarray) -> ndarray:
    """The sum over neighbors of the required difference pixel - neighbor; between two pixels, slopes are averaged."""
    right = np.zeros(slope.shape[:3])
    joined_x = (inside[1:-1, 1:-2] & inside[1:-1, 2:-1])[..., None]
    joined_y = (inside[1:-2, 1:-1] & inside[2:-1, 1:-1])[..., None]
    along_x = 0.5 * (slope[:, 1:, :, 0] + slope[:, :-1, :, 0]) * joined_x
    along_y = 0.5 * (slope[1:, :, :, 1] + slope[:-1, :, :, 1]) * joined_y
    right[:, 1:] += along_x
    right[:, :-1] -= along_x
    right[1:] += along_y
    right[:-1] -= along_y
    return right


@kernel()
def _relax(u, right, inside, rows, columns, screen, sweeps):
    """Gauss-Seidel with over-relaxation, forwards and backwards in turn, in place on the listed pixels.

    `inside` has a border of one pixel.
    """
    count = rows.size
    for sweep in range(sweeps):
        omega = 1.0 if sweep >= sweeps - 2 else 1.7
        for k in range(count):
            i = k if sweep % 2 == 0 else count - 1 - k
            y, x = rows[i], columns[i]
            # n: the diagonal of the equation, the number of neighbors that take part plus the screening term.
            n = screen
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                n += inside[y + 1 + dy, x + 1 + dx]
            # Solve the pixel's equation given its neighbors, and move beyond the solution by omega.
            for c in range(u.shape[2]):
                total = right[y, x, c]
                for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                    if inside[y + 1 + dy, x + 1 + dx]:
                        total += u[y + dy, x + dx, c]
                if n > 0:
                    u[y, x, c] += omega * (total / n - u[y, x, c])
