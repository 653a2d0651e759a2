"""Lists the splats of each tile: a counting sort into tiles, each of which is then sorted by depth."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from vistadream.ops.numerics.jit import inlined, kernel
from vistadream.ops.numerics.threads import in_shares, share_count

TILE_W, TILE_H = 64, 16


class Bins(NamedTuple):
    """The splats of each tile, front to back. A slot is one (splat, tile) pair."""

    starts: np.ndarray  # tiles + 1, the first slot of each tile
    splat_of_slot: np.ndarray  # slots
    first_pair: np.ndarray  # splats + 1, into slot_of_pair
    slot_of_pair: np.ndarray  # slots; pairs are numbered splat by splat, so that the slots of a splat can be found


def bin_splats(
    keys: np.ndarray,
    boxes: np.ndarray,
    width: int,
    height: int,
    *,
    threads: int,
    with_slots: bool,
    require: Callable[[int], None],
) -> Bins:
    """Lists for the image's TILE_W x TILE_H tiles, row by row, from the pixel boxes (x0, y0, x1, y1) of splats.

    A tile's splats are sorted by their keys, whose low bits are the splat's number. slot_of_pair is empty unless
    `with_slots`. `require` is called with the number of slots before they are allocated, and may raise.
    """
    # Count the pairs of each tile, in shares of the splats.
    tiles_x, tiles_y = -(-width // TILE_W), -(-height // TILE_H)
    shares = share_count(threads)
    bounds = np.linspace(0, len(boxes), shares + 1).astype(np.int64)
    counts = np.zeros((shares, tiles_x * tiles_y), np.int64)
    pairs = np.zeros(len(boxes) + 1, np.int64)
    in_shares(threads, lambda i: _count(bounds[i], bounds[i + 1], boxes, tiles_x, counts[i], pairs))
    first_pair = np.cumsum(pairs)
    require(int(first_pair[-1]))
    # Each share writes its keys from its own cursor in each tile.
    ends = np.cumsum(counts.T).reshape(-1, shares)
    cursors = np.ascontiguousarray((ends - counts.T).T)
    starts = np.append(cursors[0], first_pair[-1])
    sorted_keys = np.empty(first_pair[-1], np.uint64)
    in_shares(threads, lambda i: _fill(bounds[i], bounds[i + 1], keys, boxes, tiles_x, cursors[i], sorted_keys))
    # Sort each tile by depth.
    tiles = deal_tiles(starts, shares)
    in_shares(threads, lambda i: _sort(tiles[i], starts, sorted_keys))
    splat_of_slot = sorted_keys.astype(np.uint32).view(np.int32)
    slot_of_pair = np.empty(len(sorted_keys) if with_slots else 0, np.int64)
    bins = Bins(starts, splat_of_slot, first_pair, slot_of_pair)
    if with_slots:
        in_shares(threads, lambda i: _invert(tiles[i], boxes, tiles_x, bins))
    return bins


def deal_tiles(starts: np.ndarray, shares: int) -> list[np.ndarray]:
    """Tile numbers of each share, dealt in turn from the longest list to the shortest, so that shares are balanced."""
    busiest_first = np.argsort(-np.diff(starts), kind="stable")
    return [busiest_first[share::shares] for share in range(shares)]


def _sort(tiles: np.ndarray, starts: np.ndarray, keys: np.ndarray) -> None:
    for tile in tiles:
        keys[starts[tile] : starts[tile + 1]].sort()  # numpy's sort is vectorized, numba's is not


@inlined(error_model="numpy")
def _tiles(box):
    """The range of tile columns and rows of a pixel box, ends excluded."""
    if box[2] == 0:
        return 0, 0, 0, 0
    return box[0] // TILE_W, box[1] // TILE_H, (box[2] - 1) // TILE_W + 1, (box[3] - 1) // TILE_H + 1


@kernel(nogil=True, error_model="numpy")
def _count(first, last, boxes, tiles_x, counts, pairs):
    for s in range(first, last):
        x0, y0, x1, y1 = _tiles(boxes[s])
        pairs[s + 1] = (x1 - x0) * (y1 - y0)
        for ty in range(y0, y1):
            for tx in range(x0, x1):
                counts[ty * tiles_x + tx] += 1


@kernel(nogil=True, error_model="numpy")
def _fill(first, last, keys, boxes, tiles_x, cursors, tile_keys):
    for s in range(first, last):
        x0, y0, x1, y1 = _tiles(boxes[s])
        for ty in range(y0, y1):
            for tx in range(x0, x1):
                tile = ty * tiles_x + tx
                tile_keys[cursors[tile]] = keys[s]
                cursors[tile] += 1


@kernel(nogil=True, error_model="numpy")
def _invert(tiles, boxes, tiles_x, bins):
    """Fills the part of slot_of_pair that belongs to `tiles`."""
    for tile in tiles:
        ty, tx = tile // tiles_x, tile % tiles_x
        for slot in range(bins.starts[tile], bins.starts[tile + 1]):
            s = bins.splat_of_slot[slot]
            x0, y0, x1, _ = _tiles(boxes[s])
            bins.slot_of_pair[bins.first_pair[s] + (ty - y0) * (x1 - x0) + tx - x0] = slot
