"""Double walls: rays on which a scene has one surface close behind another, where the photos showed a single one."""

from __future__ import annotations

import numpy as np
import torch

from vistadream.backends.render.cpu.drawing import Drawing, draw
from vistadream.backends.render.cpu.forward import MAX_ALPHA, tile_bounds
from vistadream.backends.render.cpu.profile import AXES, DEPTH
from vistadream.backends.render.cpu.projection import MIN_ALPHA, Parameters, make_lens
from vistadream.core import Camera, Gaussians

GAP = 0.02
"""Relative difference of depth from which two contributions are not of one surface."""
STRIDE_PX = 4
"""Of the columns and of the rows of pixels every fourth one is looked at."""
_SPLATS = 512
"""The number of splats of a tile that are blended at once, to bound the memory."""


def doubled(gaussians: Gaussians, camera: Camera) -> np.ndarray:
    """For every fourth pixel of every fourth row, whether its two strongest contributions are over GAP apart in depth.

    What a Gaussian contributes to a ray is its alpha times the transmittance in front of it. Its depth is where it is
    densest on the ray, so that a slanted wall is one surface. A ray with fewer than two contributions is not doubled.
    """
    drawing = _drawn(gaussians, camera)
    found = np.zeros((camera.height, camera.width), bool)
    for tile in range(len(drawing.bins.starts) - 1):
        _compare(drawing, tile, found)
    return found[::STRIDE_PX, ::STRIDE_PX]


def _drawn(gaussians: Gaussians, camera: Camera) -> Drawing:
    """The splats of a picture by tiles, near to far, with their profiles along rays."""
    g = gaussians
    tensors = (g.means, g.quats_wxyz, g.scales, g.opacities, g.means[:, :0])
    parameters = Parameters(*(tensor.detach().contiguous().numpy() for tensor in tensors))
    pose, lens = camera.cam_from_world.double().numpy(), make_lens(camera, 0.01, 1e10, 0.3, False, 0.0)
    threads = torch.get_num_threads()
    return draw(parameters, False, pose, lens, threads=threads, with_slots=False, with_median=True)


def _compare(drawing: Drawing, tile: int, found: np.ndarray) -> None:
    """Fills `found` for the rays of a tile that are looked at."""
    left, top, right, bottom = tile_bounds(tile, drawing.lens.width, drawing.lens.height)
    rows, columns = np.mgrid[top:bottom:STRIDE_PX, left:right:STRIDE_PX].reshape(2, -1)
    listed = drawing.bins.splat_of_slot[drawing.bins.starts[tile] : drawing.bins.starts[tile + 1]]
    through, rays = np.ones(len(rows), np.float32), np.arange(len(rows))
    weight, z = np.zeros((2, len(rows)), np.float32), np.ones((2, len(rows)), np.float32)
    for first in range(0, len(listed), _SPLATS):
        part = listed[first : first + _SPLATS]
        alpha, depth = _alpha_and_depth(drawing, part, columns + np.float32(0.5), rows + np.float32(0.5))
        passed = through * np.cumprod(1 - alpha, axis=0)
        weights = np.concatenate([weight, alpha * np.concatenate([through[None], passed[:-1]])])
        best = np.argpartition(-weights, 1, axis=0)[:2]
        weight, z, through = weights[best, rays], np.concatenate([z, depth])[best, rays], passed[-1]
    found[rows, columns] = (weight.min(axis=0) > 0) & (z.max(axis=0) > (1 + GAP) * z.min(axis=0))


def _alpha_and_depth(
    drawing: Drawing, listed: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The alpha of each splat on each ray by the rules of the renderer, and the depth of its peak there."""
    splats, profiles = drawing.splats[listed, :, None], drawing.median.profiles[listed, :, None]
    dx, dy = x - splats[:, 0], y - splats[:, 1]
    log2_alpha = dx * (splats[:, 2] * dx + splats[:, 3] * dy) + splats[:, 4] * dy * dy + splats[:, 5]
    alpha = np.exp2(np.minimum(log2_alpha, 0))
    a, b = np.zeros_like(dx), np.zeros_like(dx)
    for k in (AXES, AXES + 3, AXES + 6):
        step = dx * profiles[:, k + 1] + dy * profiles[:, k + 2]
        a, b = a + (step + profiles[:, k]) ** 2, b + (step + profiles[:, k]) * step
    alpha = np.where(alpha >= MIN_ALPHA, np.minimum(alpha, MAX_ALPHA), 0)
    return alpha.astype(np.float32), profiles[:, DEPTH] * (1 - b / a)
