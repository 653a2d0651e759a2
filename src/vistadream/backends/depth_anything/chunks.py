"""Many Views in chunks that overlap, and their predictions as one: each chunk has a world of its own at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import DepthPrediction, UserError
from vistadream.ops.views.similarity import Similarity, fit_similarity_robustly

OVERLAP = 8
"""The number of Views that two chunks share."""
_POINTS = 100
"""The number of pixels of a shared View that are compared, about."""
_TOLERANCE = 0.1
"""Largest distance of two points that are the same, as a share of their median depth."""


def chunks_of(count: int, most: int) -> list[range]:
    """The Views of each chunk: `most` at most, the first OVERLAP of them those that end the chunk before.

    All of `count` where they fit into one.
    """
    step = most - OVERLAP
    starts = range(0, max(1, count - OVERLAP), step) if count > most else [0]
    return [range(start, min(start + most, count)) for start in starts]


def joined(chunks: Sequence[Sequence[DepthPrediction]], seed: int) -> list[DepthPrediction]:
    """The predictions of all Views in the world and unit of the first chunk; of a shared View those of the earlier one.

    The move of a chunk is that of the surfaces of the Views that it shares with the one before.
    """
    whole = list(chunks[0])
    for chunk in chunks[1:]:
        move = _move(chunk[:OVERLAP], whole[-OVERLAP:], seed)
        whole += [replace(each, z=move.scale * each.z, camera=move.camera(each.camera)) for each in chunk[OVERLAP:]]
    return whole


def _move(chunk: Sequence[DepthPrediction], before: Sequence[DepthPrediction], seed: int) -> Similarity:
    """From the world of a chunk to that of the chunk before, by their predictions of the same Views."""
    pairs = [_same_points(*pair) for pair in zip(chunk, before, strict=True)]
    source, target = (torch.cat(side) for side in zip(*pairs, strict=True))
    typical = torch.cat([each.z[each.valid].flatten() for each in before]).double().median()
    try:
        return fit_similarity_robustly(source, target, _TOLERANCE * float(typical), seed=seed)[0]
    except ValueError as error:
        raise UserError(
            f"the {OVERLAP} photos that two chunks of Depth Anything 3 share have too little sure depth to join them; "
            "wanted photos of the same surfaces: raise max_views, or lower min_confidence"
        ) from error


def _same_points(one: DepthPrediction, other: DepthPrediction) -> tuple[Float[Tensor, "k 3"], Float[Tensor, "k 3"]]:
    """Points of pixels that both predictions of a View know, evenly spread over the picture, on the CPU as cameras."""
    known = one.valid & other.valid
    step = max(1, round((known.numel() / _POINTS) ** 0.5))
    chosen = torch.zeros_like(known)
    chosen[step // 2 :: step, step // 2 :: step] = True
    points = [each.camera.unproject(each.z)[known & chosen].cpu().double() for each in (one, other)]
    return points[0], points[1]
