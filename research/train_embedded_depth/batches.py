"""Batches of pictures of one size, drawn from shards."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.generate import Samples
from train_embedded_depth.shards import Shard
from vistadream.backends.depth.network.model import USUAL_AREA, pack

GUESS_SPREAD, GUESSED = 0.3, 0.3
"""Standard deviation of the logarithm of a guessed focal length, and the share of pictures that have one."""


@dataclass(frozen=True)
class Pool:
    """Shards by size of picture."""

    by_size: dict[tuple[int, int], list[Shard]]

    @staticmethod
    def of(shards: list[Shard], halved: bool = False) -> Pool:
        """All shards, or their halves in memory: small pictures make the most of a slow machine."""
        by_size: dict[tuple[int, int], list[Shard]] = defaultdict(list)
        for shard in (shard.halved() if halved else shard for shard in shards):
            height, width = shard.rgb.shape[2:]
            by_size[height, width].append(shard)
        return Pool(by_size)

    def draw(self, rng: Generator, count: int) -> Samples:
        """`count` pictures of one size, each from any shard of that size; sizes as often as there are shards.

        Of pictures that are larger than 96x128 there are fewer, so that their pixels are as many.
        """
        groups = list(self.by_size.items())
        shares = np.array([len(shards) for _, shards in groups])
        (height, width), shards = groups[rng.choice(len(groups), p=shares / shares.sum())]
        count = max(1, round(count * min(1, USUAL_AREA / (height * width))))
        picks = []
        for number in rng.integers(len(shards), size=count):
            shard = shards[number]
            if len(shard.focal):
                picks.append((shard, int(rng.integers(len(shard.focal)))))
        joined = {f.name: torch.stack([getattr(s, f.name)[i] for s, i in picks]) for f in fields(Shard)}
        return Shard(**joined).samples(torch.arange(len(picks)))


def inputs(samples: Samples, rng: Generator, copies: int = 1) -> Float[Tensor, "b 6 h w"]:
    """The network's input, some with a guessed focal length, which all copies of a scene share."""
    count, _, height, width = samples.rgb.shape
    scenes = count // copies
    guessed = (rng.random(scenes) < GUESSED).astype(np.float32)
    zoom = np.exp(guessed * rng.normal(0, GUESS_SPREAD, scenes)).astype(np.float32)
    known, zooms = (torch.from_numpy(np.tile(x, copies)) for x in (1 - guessed, zoom))
    rays = samples.lens.rays(height, width)[:, :2] * zooms[:, None, None]
    return pack(samples.rgb, rays.reshape(count, 2, height, width), known)
