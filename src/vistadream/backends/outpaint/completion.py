"""Coarse-to-fine completion of a picture from patches of its known part."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from vistadream.backends.outpaint.patchmatch import RADIUS, Sources, search, vote
from vistadream.ops.membrane import membrane

PATCH = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
COARSEST = 8 * RADIUS
"""Half width in pixels that the hole has at the coarsest scale: patches still see lines there, not just tones."""
RARITY_SIDE = 180
"""Long side in pixels at which patches are told common or rare: texture is gone, things are not."""
GUIDE = 0.1
"""Trust in the smooth continuation of the known colours, until a ring is filled with patches."""


@dataclass(frozen=True)
class Completion:
    """The knobs of one completion, and its act: hole pixels become copies of patches that fit what is around them."""

    locality: float
    upright: float
    rarity: float
    rounds: int
    seed: int
    threads: int

    def __call__(self, rgb: Float[ndarray, "h w 3"], hole: Bool[ndarray, "h w"]) -> Float[ndarray, "h w 3"]:
        """`rgb` with its hole filled: grown inwards from the rim at a coarse scale, then refined scale by scale.

        Where there is no whole known patch to copy, the known colours are continued smoothly.
        """
        if not usable_centres(hole).any():
            return membrane(rgb, ~hole).astype(np.float32)
        bias = self.rarity * self._rarity(rgb, hole)
        levels = _pyramid(rgb, hole)
        image, field = self._grow(*levels[-1], bias)
        for depth, (known, hole) in enumerate(reversed(levels)):
            if depth > 0:
                field = _double(field)[: hole.shape[0], : hole.shape[1]]
                image = self._first_guess(known, hole, field)
            image, field = self._refine(image, hole, field, bias, max(2, self.rounds - 2 * depth))
        return image

    def _grow(self, rgb: ndarray, hole: ndarray, bias: ndarray) -> tuple[ndarray, ndarray]:
        """Fill ring after ring from the rim, so that lines that meet it run on; copies are of known pixels only."""
        sources, trust = self._sources(hole, bias), _trust(hole)
        start = _nearest(sources.usable)
        field = np.full_like(start, -1)
        distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        image, done, radius = membrane(rgb, ~hole).astype(np.float32), ~hole, 0.0
        while not done.all():
            radius += RADIUS / 2
            ring = ~done & (distance <= radius)
            query = _touching(ring) & (cv2.dilate(done.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
            field = np.where((query & (field[..., 0] < 0))[..., None], start, field)
            known = np.where(done, trust, GUIDE * trust)
            field, cost = self._search(image, known, sources, np.argwhere(query), field, 6, round(10 * radius))
            image = vote(image, np.argwhere(ring), field, _agreement(cost, query), self.threads)
            done |= ring
        return image, field

    def _refine(
        self, image: ndarray, hole: ndarray, field: ndarray, bias: ndarray, rounds: int
    ) -> tuple[ndarray, ndarray]:
        """Search and vote in turn at one scale; a membrane takes the step out of the seam to the known pixels."""
        query, sources, trust = _touching(hole), self._sources(hole, bias), _trust(hole)
        queries = np.argwhere(query)
        field = np.where(query[..., None], _snap(field, sources.usable), -1)
        for k in range(rounds):
            field, cost = self._search(image, trust, sources, queries, field, 3, 1000 * (k + 1))
            voted = vote(image, queries, field, trust * _agreement(cost, query), self.threads)
            step = membrane(image - voted, query & ~hole, outside=~query, decay_px=0.05 * max(hole.shape))
            image = np.where(hole[..., None], voted + step, image).astype(np.float32)
        return image, field

    def _first_guess(self, known: ndarray, hole: ndarray, field: ndarray) -> ndarray:
        """What the coarser scale's sources say at this one."""
        query = _touching(hole)
        field = np.where(query[..., None], _snap(field, usable_centres(hole)), -1)
        return vote(known, np.argwhere(hole), field, np.ones(hole.shape, np.float32), self.threads)

    def _rarity(self, rgb: ndarray, hole: ndarray) -> Float[ndarray, "h w"]:
        """Misfit of each patch to its best match elsewhere: what stands there only once is a thing, not padding."""
        while max(hole.shape) > RARITY_SIDE:
            rgb, hole = _halve(rgb, hole)
        usable = usable_centres(hole)
        if not usable.any():
            return np.zeros(hole.shape, np.float32)
        sources = Sources(usable, np.zeros(hole.shape, np.float32), np.zeros(2, np.float32), max(hole.shape) // 8)
        centres = np.argwhere(usable)
        field = np.full((*hole.shape, 2), -1, np.int32)
        field[usable] = np.roll(centres, len(centres) // 2, axis=0)
        _, cost = self._search(rgb, np.ones(hole.shape, np.float32), sources, np.argwhere(usable), field, 8, 0)
        nearest = _nearest(usable)
        return np.minimum(cost, 1)[nearest[..., 0], nearest[..., 1]]

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
        return Sources(usable_centres(hole), cv2.resize(bias, (w, h), interpolation=cv2.INTER_LINEAR), pull)


def usable_centres(hole: Bool[ndarray, "h w"]) -> Bool[ndarray, "h w"]:
    """Centres of patches that lie inside the picture and are wholly known."""
    framed = np.pad(hole.astype(np.uint8), RADIUS, constant_values=1)
    return cv2.dilate(framed, PATCH)[RADIUS:-RADIUS, RADIUS:-RADIUS] == 0


def _touching(hole: ndarray) -> Bool[ndarray, "h w"]:
    """Centres of patches that touch the hole."""
    return cv2.dilate(hole.astype(np.uint8), PATCH) > 0


def _trust(hole: ndarray) -> Float[ndarray, "h w"]:
    """Weight of a pixel when patches are compared and vote: what lies near the known part is more certain."""
    distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.maximum(0.05, 1.2**-distance).astype(np.float32)


def _agreement(cost: ndarray, query: ndarray) -> Float[ndarray, "h w"]:
    """Weight of a patch's vote: a Gaussian of its misfit, as wide as three quarters of the misfits (Wexler et al.)."""
    spread = np.percentile(cost[query], 75) + 1e-6
    return np.where(query, np.exp(-cost / spread) + 1e-6, 0).astype(np.float32)


def _pyramid(rgb: ndarray, hole: ndarray) -> list[tuple[ndarray, ndarray]]:
    """The picture and its hole at halved sizes, until the hole is narrow or nothing whole is left to copy."""
    levels = [(rgb, hole)]
    while cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5).max() > COARSEST:
        rgb, hole = _halve(rgb, hole)
        if not usable_centres(hole).any():
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


def _snap(field: ndarray, usable: ndarray) -> Int[ndarray, "h w 2"]:
    """Each source moved to the nearest usable one."""
    h, w = usable.shape
    return _nearest(usable)[np.clip(field[..., 0], 0, h - 1), np.clip(field[..., 1], 0, w - 1)]


def _nearest(usable: Bool[ndarray, "h w"]) -> Int[ndarray, "h w 2"]:
    """The usable centre nearest to each pixel."""
    _, labels = cv2.distanceTransformWithLabels(
        (~usable).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    centres = np.argwhere(usable).astype(np.int32)
    order = np.empty(len(centres) + 1, np.int64)
    order[labels[usable]] = np.arange(len(centres))
    return centres[order[labels]]
