"""The training loop: resumable at any step, the same numbers for the same seed and shards."""

from __future__ import annotations

import copy
import math
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from train_embedded_depth.augment import augment
from train_embedded_depth.batches import Pool, inputs
from train_embedded_depth.framing import Window, cut, mirrored, twice
from train_embedded_depth.grow import grow, read_weights
from train_embedded_depth.losses import Truth, losses, weighted
from train_embedded_depth.optimizer import Optimizer
from vistadream.backends.depth.network.model import DepthNet


@dataclass(frozen=True)
class Recipe:
    """How to train."""

    steps: int = 20_000
    """Steps of the whole cosine schedule; a later run may name more and goes on from its checkpoint."""
    scenes: int = 16
    """Scenes of 96x128 per step, fewer larger ones; each is seen in two copies that differ in all but the scene."""
    depth: int = 14
    """Attention blocks of the network."""
    blocks: int = 3
    """Residual blocks of the network at each place where there are some."""
    rate: float = 1.5e-3
    """Peak learning rate."""
    warmup: int = 300
    """Steps of linear rise."""
    decay: float = 0.02
    """Weight decay."""
    average: float = 0.998
    """Of the moving average of the weights, which is what is exported."""
    ease: float = 0.4
    """Share of the steps over which pictures of clay, all of them at first, become one in twenty; 0: from the start."""
    seed: int = 0
    device: str = "cpu"

    def ease_at(self, step: int) -> float:
        """Share of pictures of clay."""
        return max(0.05, 1 - 0.95 * step / (self.ease * self.steps)) if self.ease else 0.05

    def rate_at(self, step: int) -> float:
        """Learning rate: linear rise, then half a cosine down to a hundredth (Loshchilov and Hutter 2017)."""
        rise = min(1.0, (step + 1) / self.warmup)
        wave = 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / self.steps))
        return self.rate * rise * (0.01 + 0.99 * wave)


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's input and what it should give."""

    packed: Float[Tensor, "b 6 h w"]
    truth: Truth
    shared: Window
    """What the second copies show of the first."""


class Trainer:
    """Weights, their moving average, the optimizer and the step, on disk between runs."""

    def __init__(self, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.step = recipe, 0
        self.net = DepthNet(depth=recipe.depth, blocks=recipe.blocks).to(recipe.device)
        self.averaged = copy.deepcopy(self.net)
        self.optimizer = Optimizer(self.net, recipe.decay)

    def save(self, file: Path) -> None:
        """Whole or not at all."""
        state = {
            "step": self.step,
            "area": self.net.area,
            "depth": self.net.depth,
            "blocks": self.net.blocks,
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        draft = file.with_suffix(".draft")
        torch.save(state, draft)
        draft.rename(file)

    def load(self, file: Path) -> None:
        """Goes on from a checkpoint."""
        state = torch.load(file, map_location=self.recipe.device, weights_only=True)
        self.step, self.net.area = state["step"], state["area"]
        for part in (self.net, self.averaged, self.optimizer):
            name = {id(self.net): "net", id(self.averaged): "averaged"}.get(id(part), "optimizer")
            part.load_state_dict(state[name])

    def begin_with(self, file: Path) -> None:
        """Takes another run's averaged weights, or exported ones, and nothing else; more blocks at first do nothing."""
        weights = read_weights(file)
        for net in (self.net, self.averaged):
            grow(net, weights)

    def run(self, pool: Pool, minutes: float = math.inf, painters: int = 1) -> Iterator[dict[str, float]]:
        """Trains until the recipe's last step or the time is over; yields the terms of the loss after each step.

        Batches come painted by so many threads, in order: their number changes nothing but the time.
        """
        end = time.monotonic() + 60 * minutes
        with ThreadPoolExecutor(painters) as studio:
            coming = deque(studio.submit(self._batch, pool, self.step + k) for k in range(painters))
            while self.step < self.recipe.steps and time.monotonic() < end:
                batch = coming.popleft().result()
                coming.append(studio.submit(self._batch, pool, self.step + painters))
                yield self._learn(batch)

    def _batch(self, pool: Pool, step: int) -> Batch:
        """What a step learns from; the seed and the step alone decide it."""
        rng = np.random.default_rng([self.recipe.seed, step])
        scenes = cut(pool.draw(rng, self.recipe.scenes), rng)
        scenes, shared = twice(mirrored(scenes) if rng.random() < 0.5 else scenes, rng)
        packed = inputs(augment(scenes, rng, self.recipe.ease_at(step)), rng, copies=2)
        return Batch(packed.contiguous(memory_format=torch.channels_last), Truth.of(scenes), shared)

    def _learn(self, batch: Batch) -> dict[str, float]:
        device = self.recipe.device
        truth = Truth(**{name: x.to(device) for name, x in vars(batch.truth).items()})
        self.net.area = max(self.net.area, batch.packed.shape[2] * batch.packed.shape[3])
        self.net.train()
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            maps = self.net(batch.packed.to(device))
        terms = losses(maps, truth, batch.shared)
        self.net.zero_grad()
        weighted(terms).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step(self.recipe.rate_at(self.step))
        self._average()
        self.step += 1
        return {name: float(term.detach()) for name, term in terms.items()}

    @torch.no_grad()
    def _average(self) -> None:
        """Moves the average towards the weights, faster in the beginning."""
        keep = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        mine: dict[str, Tensor] = self.net.state_dict()
        for name, average in self.averaged.state_dict().items():
            if average.is_floating_point():
                average.lerp_(mine[name], 1 - keep)
