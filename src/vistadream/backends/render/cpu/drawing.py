"""Draws one picture and computes its gradient: a sequence of kernels over shares of the work, on numpy arrays."""

from functools import partial
from typing import NamedTuple

import numpy as np

from vistadream.backends.render.cpu.backward import MOMENTS, unblend_tiles
from vistadream.backends.render.cpu.binning import Bins, bin_splats, deal_tiles
from vistadream.backends.render.cpu.forward import blend_tiles
from vistadream.backends.render.cpu.median import median_tiles
from vistadream.backends.render.cpu.median_backward import RAY_MOMENTS, ray_moments
from vistadream.backends.render.cpu.memory import require_memory
from vistadream.backends.render.cpu.profile import PROFILE
from vistadream.backends.render.cpu.projection import FEATURES, Lens, Parameters, project
from vistadream.backends.render.cpu.projection_backward import BLOCK, unproject
from vistadream.ops.numerics.threads import in_shares, over_range, share_count


class Median(NamedTuple):
    """A median depth with the values that its gradient needs."""

    z: np.ndarray  # h w, 0 where there is none
    per_slope: np.ndarray  # h w, - d z / d log(transmittance) at z; 0 where there is none
    profiles: np.ndarray  # one row per splat


class Drawing(NamedTuple):
    """A picture with the values that its gradient needs."""

    image: np.ndarray  # h w c, blended features, then depth (not divided by alpha) if with_z
    transmittance: np.ndarray  # h w, 1 - alpha
    ends: np.ndarray  # h w, number of splats in the tile's list until the pixel was finished
    gaussians: Parameters
    with_z: bool
    cam_from_world: np.ndarray  # 4 4 float64
    lens: Lens
    splats: np.ndarray  # one row per Gaussian, undefined where its box is empty
    boxes: np.ndarray
    bins: Bins
    median: Median | None


def draw(
    gaussians: Parameters,
    with_z: bool,
    cam_from_world: np.ndarray,
    lens: Lens,
    *,
    threads: int,
    with_slots: bool,
    with_median: bool = False,
) -> Drawing:
    """Draws a picture; `with_slots` keeps what `gradient` needs."""
    # Project the Gaussians to splats.
    pose, n = cam_from_world, len(gaussians.means)
    channels = gaussians.features.shape[1] + with_z
    keys, boxes = np.empty(n, np.uint64), np.empty((n, 4), np.int32)
    splats = np.empty((n, FEATURES + channels), np.float32)
    profiles = np.empty((n if with_median else 0, PROFILE), np.float32)
    over_range(threads, n, lambda a, b: project(a, b, gaussians, with_z, pose, lens, keys, splats, boxes, profiles))
    # List the splats of each tile.
    size = lens.width, lens.height
    require = partial(require_memory, *size, n, channels, with_median, with_slots)
    bins = bin_splats(keys, boxes, *size, threads=threads, with_slots=with_slots, require=require)
    # Blend the tiles.
    image = np.empty((lens.height, lens.width, channels), np.float32)
    transmittance, ends = np.empty((2, lens.height, lens.width), np.float32)
    tiles = deal_tiles(bins.starts, share_count(threads))
    in_shares(threads, lambda i: blend_tiles(tiles[i], bins, splats, boxes, image, transmittance, ends))
    drawing = Drawing(image, transmittance, ends, gaussians, with_z, pose, lens, splats, boxes, bins, None)
    return drawing._replace(median=_find_median(drawing, profiles, tiles, threads)) if with_median else drawing


def _find_median(drawing: Drawing, profiles: np.ndarray, tiles: list[np.ndarray], threads: int) -> Median:
    d = drawing
    z, per_slope = np.empty((2, *d.transmittance.shape), np.float32)
    inputs = d.bins, d.splats, d.boxes, profiles, d.transmittance, d.ends
    in_shares(threads, lambda i: median_tiles(tiles[i], *inputs, z, per_slope))
    return Median(z, per_slope, profiles)


def gradient(
    drawing: Drawing,
    image_grad: np.ndarray,
    alpha_grad: np.ndarray,
    median_grad: np.ndarray | None = None,
    *,
    threads: int,
    with_pose: bool,
) -> tuple[Parameters, np.ndarray]:
    """The gradient of sum(image * image_grad) + sum((1 - transmittance) * alpha_grad) + sum(median * median_grad).

    With respect to the Gaussians and to the pose (4 4); the latter is 0 unless `with_pose`.
    """
    # Sums of each pair of splat and tile, from the blended maps.
    d = drawing
    slots = np.empty((len(d.bins.splat_of_slot), MOMENTS + d.image.shape[2]), np.float32)
    tiles = deal_tiles(d.bins.starts, share_count(threads))
    in_shares(
        threads,
        lambda i: unblend_tiles(
            tiles[i], d.bins, d.splats, d.boxes, d.transmittance, d.ends, image_grad, alpha_grad, slots
        ),
    )
    # Sums along the rays, from the median depth.
    ray_slots = np.empty((0 if median_grad is None else len(slots), RAY_MOMENTS), np.float32)
    if d.median is not None and median_grad is not None:
        has_slope = d.median.per_slope > 0  # elsewhere the upstream gradient may be infinite, as that of log z
        pull = np.multiply(median_grad, d.median.per_slope, where=has_slope, out=np.zeros_like(d.median.z))
        inputs = d.bins, d.splats, d.boxes, d.median.profiles, d.ends, d.median.z
        in_shares(threads, lambda i: ray_moments(tiles[i], *inputs, pull, slots, ray_slots))
    # From the sums of each splat to the gradients of its Gaussian and of the pose.
    grads = Parameters(*(np.zeros_like(values) for values in d.gaussians))
    blocks = -(-len(d.boxes) // BLOCK)
    pose_grads = np.zeros((blocks if with_pose else 0, 3, 4))
    drawn = d.gaussians, d.with_z, d.cam_from_world, d.lens
    over_range(threads, blocks, lambda a, b: unproject(a, b, d.bins, slots, ray_slots, *drawn, grads, pose_grads))
    return grads, np.vstack([pose_grads.sum(0), np.zeros(4)])
