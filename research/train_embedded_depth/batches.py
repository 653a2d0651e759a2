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
from vistadream.backends.depth.network.model import pack

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
        """Pictures of one size, each from any shard of that size; sizes as often as there are shards."""
        groups = list(self.by_size.values())
        sizes = np.array([len(group) for group in groups])
        shards = groups[rng.choice(len(groups), p=sizes / sizes.sum())]
        picks = []
        for number in rng.integers(len(shards), size=count):
            shard = shards[number]
            if len(shard.focal):
                picks.append((shard, int(rng.integers(len(shard.focal)))))
        joined = {f.name: torch.stack([getattr(s, f.name)[i] for s, i in picks]) for f in fields(Shard)}
        return Shard(**joined).samples(torch.arange(len(picks)))


def inputs(samples: Samples, rng: Generator) -> tuple[Float[Tensor, "b 6 h w"], Float[Tensor, "b"]]:
    """The network's input, some with a guessed focal length, and the logarithm of true over given focal length."""
    count, _, height, width = samples.rgb.shape
    guessed = torch.from_numpy((rng.random(count) < GUESSED).astype(np.float32))
    log_zoom = guessed * torch.from_numpy(rng.normal(0, GUESS_SPREAD, count).astype(np.float32))
    rays = samples.lens.rays(height, width)[:, :2] * torch.exp(log_zoom)[:, None, None]
    return pack(samples.rgb, rays.reshape(count, 2, height, width), 1 - guessed), log_zoom
