"""Coarse-to-fine completion of a picture from patches of its known part."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from vistadream.backends.outpaint.patchmatch import RADIUS, Sources, search, vote
from vistadream.backends.outpaint.scales import double, halve, pyramid, snap, touching, usable_centers
from vistadream.ops.holes.nearest import nearest_known
from vistadream.ops.holes.poisson import poisson_fill

COARSEST = 8 * RADIUS
"""Half width in pixels of the hole at the coarsest scale: patches are small enough there to contain lines."""
RARITY_SIDE = 180
"""Long side in pixels at which the rarity of patches is measured: texture is blurred there, objects are not."""
GUIDE = 0.1
"""Least weight of the smooth continuation of the known colors, until a ring is filled with patches."""
EVEN = 0.002
"""Variance of colors around a pixel up to which their smooth continuation counts as much as known colors."""


@dataclass(frozen=True)
class Completion:
    """One completion: hole pixels become copies of known patches that fit their surroundings."""

    locality: float
    upright: float
    rarity: float
    rounds: int
    seed: int
    threads: int

    def __call__(self, rgb: Float[ndarray, "h w 3"], hole: Bool[ndarray, "h w"]) -> Float[ndarray, "h w 3"]:
        """`rgb` with its hole filled: from the rim inwards at a coarse scale, then refined scale by scale.

        If no patch is completely known, the known colors are continued smoothly.
        """
        if not usable_centers(hole).any():
            return poisson_fill(rgb, ~hole).astype(np.float32)
        bias = self.rarity * self._rarity(rgb, hole)
        levels = pyramid(rgb, hole, COARSEST)
        image, field = self._grow(*levels[-1], bias)
        for depth, (known, hole) in enumerate(reversed(levels)):
            if depth > 0:
                field = double(field)[: hole.shape[0], : hole.shape[1]]
                image = self._first_guess(known, hole, field)
            image, field = self._refine(image, hole, field, bias, max(2, self.rounds - 2 * depth))
        return image

    def _grow(self, rgb: ndarray, hole: ndarray, bias: ndarray) -> tuple[ndarray, ndarray]:
        """Fills ring after ring from the rim, so that lines continue into the hole; copies known pixels only."""
        sources, trust = self._sources(hole, bias), _trust(hole)
        start = nearest_known(sources.usable)
        field = np.full_like(start, -1)
        distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        image, done, radius = poisson_fill(rgb, ~hole).astype(np.float32), ~hole, 0.0
        guide = trust * evenness(image, hole)
        while not done.all():
            radius += RADIUS / 2
            ring = ~done & (distance <= radius)
            # Patches that touch the ring and are centered on or next to a finished pixel.
            query = touching(ring) & (cv2.dilate(done.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
            field = np.where((query & (field[..., 0] < 0))[..., None], start, field)
            known = np.where(done, trust, guide)
            field, cost = self._search(image, known, sources, np.argwhere(query), field, 6, round(10 * radius))
            image = vote(image, np.argwhere(ring), field, _agreement(cost, query), self.threads)
            done |= ring
        return image, field

    def _refine(
        self, image: ndarray, hole: ndarray, field: ndarray, bias: ndarray, rounds: int
    ) -> tuple[ndarray, ndarray]:
        """Alternates search and vote at one scale; a Poisson fill removes the color step at the seam."""
        query, sources, trust = touching(hole), self._sources(hole, bias), _trust(hole)
        queries = np.argwhere(query)
        field = np.where(query[..., None], snap(field, sources.usable), -1)
        for k in range(rounds):
            field, cost = self._search(image, trust, sources, queries, field, 3, 1000 * (k + 1))
            voted = vote(image, queries, field, trust * _agreement(cost, query), self.threads)
            step = poisson_fill(image - voted, query & ~hole, outside=~query, decay_px=0.05 * max(hole.shape))
            image = np.where(hole[..., None], voted + step, image).astype(np.float32)
        return image, field

    def _first_guess(self, known: ndarray, hole: ndarray, field: ndarray) -> ndarray:
        """The picture that the sources of the coarser scale give at this scale."""
        query = touching(hole)
        field = np.where(query[..., None], snap(field, usable_centers(hole)), -1)
        return vote(known, np.argwhere(hole), field, np.ones(hole.shape, np.float32), self.threads)

    def _rarity(self, rgb: ndarray, hole: ndarray) -> Float[ndarray, "h w"]:
        """Difference of each patch from its best match elsewhere: high for objects that occur only once."""
        while max(hole.shape) > RARITY_SIDE:
            rgb, hole = halve(rgb, hole)
        usable = usable_centers(hole)
        if not usable.any():
            return np.zeros(hole.shape, np.float32)
        sources = Sources(usable, np.zeros(hole.shape, np.float32), np.zeros(2, np.float32), max(hole.shape) // 8)
        centers = np.argwhere(usable)
        field = np.full((*hole.shape, 2), -1, np.int32)
        field[usable] = np.roll(centers, len(centers) // 2, axis=0)
        _, cost = self._search(rgb, np.ones(hole.shape, np.float32), sources, np.argwhere(usable), field, 8, 0)
        row, column = np.moveaxis(nearest_known(usable), -1, 0)
        return np.minimum(cost, 1)[row, column]

    def _search(
        self,
        image: ndarray,
        trust: ndarray,
        sources: Sources,
        queries: ndarray,
        field: ndarray,
        sweeps: int,
        stream: int,
    ) -> tuple[ndarray, ndarray]:
        return search(image, trust, sources, queries, field, sweeps, self.seed + stream, self.threads)

    def _sources(self, hole: ndarray, bias: ndarray) -> Sources:
        h, w = hole.shape
        pull = np.array([self.upright * self.locality, self.locality], np.float32) / max(h, w) ** 2
        return Sources(usable_centers(hole), cv2.resize(bias, (w, h), interpolation=cv2.INTER_LINEAR), pull)


def evenness(image: Float[ndarray, "h w 3"], hole: Bool[ndarray, "h w"]) -> Float[ndarray, "h w"]:
    """How much a smooth continuation says about the hole: 1 next to even colors, GUIDE next to texture and edges."""
    known = (~hole).astype(np.float32)[..., None]
    sums = cv2.GaussianBlur(np.dstack([image * known, image**2 * known, known]), (0, 0), RADIUS)
    mean, square = (sums[..., part] / np.maximum(sums[..., -1:], 1e-6) for part in (slice(0, 3), slice(3, 6)))
    spread = (square - mean**2).mean(-1, keepdims=True)
    return np.clip(EVEN / np.maximum(poisson_fill(spread, ~hole)[..., 0], 1e-9), GUIDE, 1).astype(np.float32)


def _trust(hole: ndarray) -> Float[ndarray, "h w"]:
    """Weight of a pixel when patches are compared and averaged: higher near the known part, which is more certain."""
    distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.maximum(0.05, 1.2**-distance).astype(np.float32)


def _agreement(cost: ndarray, query: ndarray) -> Float[ndarray, "h w"]:
    """Weight of a patch in the vote: exp(-cost / 75th percentile of the costs) (Wexler et al. 2007)."""
    spread = np.percentile(cost[query], 75) + 1e-6
    return np.where(query, np.exp(-cost / spread) + 1e-6, 0).astype(np.float32)
