"""One picture and its gradient, as a sequence of kernels over shares of the work. numpy in, numpy out."""

from functools import partial
from typing import NamedTuple

import numpy as np

from vistadream.backends.render.cpu.backward import MOMENTS, unblend_tiles
from vistadream.backends.render.cpu.binning import Bins, bin_splats
from vistadream.backends.render.cpu.forward import blend_tiles
from vistadream.backends.render.cpu.memory import require_memory
from vistadream.backends.render.cpu.projection import CULLED, FEATURES, Lens, Parameters, depth_keys, project
from vistadream.backends.render.cpu.projection_backward import BLOCK, unproject
from vistadream.ops.threads import in_shares, over_range, share_count


class Drawing(NamedTuple):
    """A picture with all that its gradient needs."""

    image: np.ndarray  # h w c, blended features, then depth (not divided by alpha) if with_z
    transmittance: np.ndarray  # h w, what of the background shows: 1 - alpha
    ends: np.ndarray  # h w, how many splats of its tile's list a pixel took into account
    gaussians: Parameters
    with_z: bool
    cam_from_world: np.ndarray  # 4 4 float64
    lens: Lens
    order: np.ndarray  # the Gaussian of each splat, by depth
    splats: np.ndarray
    boxes: np.ndarray
    bins: Bins


def draw(
    gaussians: Parameters, with_z: bool, cam_from_world: np.ndarray, lens: Lens, *, threads: int, with_slots: bool
) -> Drawing:
    """Draws; `with_slots` keeps what `gradient` needs."""
    pose = cam_from_world
    keys = np.empty(len(gaussians.means), np.uint64)
    over_range(threads, len(keys), lambda a, b: depth_keys(a, b, gaussians.means, pose, lens, keys))
    keys.sort()
    keys = keys[: np.searchsorted(keys, CULLED)]
    order = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    channels = gaussians.features.shape[1] + with_z
    splats = np.empty((len(order), FEATURES + channels), np.float32)
    boxes = np.empty((len(order), 4), np.int32)
    over_range(threads, len(order), lambda a, b: project(a, b, order, gaussians, with_z, pose, lens, splats, boxes))
    require = partial(require_memory, lens.width, lens.height, len(gaussians.means), channels, with_slots)
    bins = bin_splats(boxes, lens.width, lens.height, threads=threads, with_slots=with_slots, require=require)
    image = np.empty((lens.height, lens.width, channels), np.float32)
    transmittance, ends = np.empty((2, lens.height, lens.width), np.float32)
    tiles = _deal_tiles(bins, share_count(threads))
    in_shares(threads, lambda i: blend_tiles(tiles[i], bins, splats, boxes, image, transmittance, ends))
    return Drawing(image, transmittance, ends, gaussians, with_z, pose, lens, order, splats, boxes, bins)


def gradient(
    drawing: Drawing, image_grad: np.ndarray, alpha_grad: np.ndarray, *, threads: int
) -> tuple[Parameters, np.ndarray]:
    """The gradient of sum(image * image_grad) + sum((1 - transmittance) * alpha_grad) to Gaussians and pose (4 4)."""
    d = drawing
    slots = np.empty((len(d.bins.splat_of_slot), MOMENTS + d.image.shape[2]), np.float32)
    tiles = _deal_tiles(d.bins, share_count(threads))
    in_shares(
        threads,
        lambda i: unblend_tiles(
            tiles[i], d.bins, d.splats, d.boxes, d.transmittance, d.ends, image_grad, alpha_grad, slots
        ),
    )
    grads = Parameters(*(np.zeros_like(values) for values in d.gaussians))
    pose_grads = np.zeros((-(-len(d.order) // BLOCK), 3, 4))
    seen_as = d.gaussians, d.with_z, d.cam_from_world, d.lens
    over_range(
        threads,
        len(pose_grads),
        lambda a, b: unproject(a, b, d.order, d.bins, slots, *seen_as, grads, pose_grads),
    )
    return grads, np.vstack([pose_grads.sum(0), np.zeros(4)])


def _deal_tiles(bins: Bins, shares: int) -> list[np.ndarray]:
    """Tile numbers dealt out in turn, those with the longest lists first, so that all shares weigh about the same."""
    busiest_first = np.argsort(-np.diff(bins.starts), kind="stable")
    return [busiest_first[share::shares] for share in range(shares)]
