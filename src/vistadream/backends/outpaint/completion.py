"""Coarse-to-fine completion of a picture from patches of its known part."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from vistadream.backends.outpaint.patchmatch import RADIUS, search, vote
from vistadream.backends.outpaint.reflect import mirror_points, reflect_and_blur
from vistadream.ops.membrane import membrane

PATCH = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
SWEEPS = 3
"""Sweeps of the patch search between two votes."""


def complete(
    rgb: Float[ndarray, "h w 3"], hole: Bool[ndarray, "h w"], seed: int, locality: float, rounds: int
) -> Float[ndarray, "h w 3"]:
    """`rgb` with its hole filled: sources found at a coarse scale are carried to the next finer one and refined.

    A picture without a single whole known patch gets the mirrored, blurred filler instead.
    """
    if not _usable(hole).any():
        return reflect_and_blur(rgb, hole)
    levels = _pyramid(rgb, hole)
    image, hole = levels[-1]
    image, field = reflect_and_blur(image, hole), np.stack(mirror_points(hole), axis=-1)
    for depth, (known, hole) in enumerate(reversed(levels)):
        if depth > 0:
            field = _double(field)[: hole.shape[0], : hole.shape[1]]
            image = _first_guess(known, hole, field)
        image, field = _refine(image, hole, field, locality, max(2, rounds - 2 * depth), seed + 1000 * depth)
    return image


def _refine(
    image: ndarray, hole: ndarray, field: ndarray, locality: float, rounds: int, seed: int
) -> tuple[ndarray, ndarray]:
    """Search and vote in turn at one scale; the last vote is shifted to meet the known pixels without a step."""
    query, usable, trust = _touching(hole), _usable(hole), _trust(hole)
    rows, columns = np.nonzero(query)
    field = _snap(field, usable, query)
    pull = np.float32(locality / max(hole.shape) ** 2)
    for k in range(rounds):
        for sweep in range(SWEEPS):
            stream = seed + SWEEPS * k + sweep
            field, cost = search(image, trust, usable, rows, columns, field, pull, max(hole.shape) / 4, stream)
        spread = np.percentile(cost[query], 75) + 1e-6
        voted = vote(image, rows, columns, field, (trust * np.exp(-cost / spread) + 1e-6).astype(np.float32))
        residual = membrane(image - voted, query & ~hole, outside=~query, decay_px=0.05 * max(hole.shape))
        image = np.where(hole[..., None], voted + residual, image).astype(np.float32)
    return image, field


def _first_guess(known: ndarray, hole: ndarray, field: ndarray) -> ndarray:
    """What the coarser scale's sources say at this one."""
    query = _touching(hole)
    field = _snap(field, _usable(hole), query)
    voted = vote(known, *np.nonzero(query), field, np.ones(hole.shape, np.float32))
    return np.where(hole[..., None], voted, known)


def _pyramid(rgb: ndarray, hole: ndarray) -> list[tuple[ndarray, ndarray]]:
    """The picture and its hole at halved sizes, until a patch spans the hole or nothing whole is left to copy."""
    levels = [(rgb, hole)]
    while cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5).max() > 2 * RADIUS:
        rgb, hole = _halve(rgb, hole)
        if min(hole.shape) < 8 * RADIUS or not _usable(hole).any():
            break
        levels.append((rgb, hole))
    return levels


def _halve(rgb: ndarray, hole: ndarray) -> tuple[ndarray, ndarray]:
    """2x2 means; a block with any hole is hole."""
    even = [(0, n % 2) for n in hole.shape]
    rgb, hole = np.pad(rgb, [*even, (0, 0)], mode="edge"), np.pad(hole, even, mode="edge")
    mean = 0.25 * (rgb[::2, ::2] + rgb[1::2, ::2] + rgb[::2, 1::2] + rgb[1::2, 1::2])
    return mean, hole[::2, ::2] | hole[1::2, ::2] | hole[::2, 1::2] | hole[1::2, 1::2]


def _double(field: Int[ndarray, "h w 2"]) -> Int[ndarray, "h2 w2 2"]:
    """The same sources at twice the resolution, each pixel keeping its place in its 2x2 block."""
    fine = 2 * field.repeat(2, 0).repeat(2, 1)
    fine[1::2, :, 0] += 1
    fine[:, 1::2, 1] += 1
    return fine


def _touching(hole: ndarray) -> Bool[ndarray, "h w"]:
    """Centres of patches that touch the hole."""
    return cv2.dilate(hole.astype(np.uint8), PATCH) > 0


def _usable(hole: ndarray) -> Bool[ndarray, "h w"]:
    """Centres of patches that lie inside the picture and are wholly known."""
    framed = np.pad(hole.astype(np.uint8), RADIUS, constant_values=1)
    return cv2.dilate(framed, PATCH)[RADIUS:-RADIUS, RADIUS:-RADIUS] == 0


def _trust(hole: ndarray) -> Float[ndarray, "h w"]:
    """Weight of a pixel when patches are compared and vote: what lies near the known part is more certain."""
    distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    return np.maximum(0.05, 1.2**-distance).astype(np.float32)


def _snap(field: ndarray, usable: ndarray, query: ndarray) -> Int[ndarray, "h w 2"]:
    """Each query's source moved to the nearest usable one; -1 elsewhere."""
    _, labels = cv2.distanceTransformWithLabels(
        (~usable).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    sources = np.argwhere(usable)
    order = np.empty(len(sources) + 1, np.int64)
    order[labels[usable]] = np.arange(len(sources))
    h, w = usable.shape
    nearest = labels[np.clip(field[..., 0], 0, h - 1), np.clip(field[..., 1], 0, w - 1)]
    return np.where(query[..., None], sources[order[nearest]], -1).astype(np.int32)
