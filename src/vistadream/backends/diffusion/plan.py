"""Where the blocks of a large network lie within a budget: on the card what fits, the rest streamed to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vistadream.backends.weights.policy import Budget

_DENOISE_BYTES = 1500
"""Memory of a denoising step for each pixel of the picture, besides the weights."""
_DECODE_BYTES = 3900
"""Memory of the autoencoder for each pixel; FLUX.1 and FLUX.2 took 3.8 to 4.0 GB at 1024x1024."""
TILE_PX = 512
"""Side of the autoencoder's tiles; adjacent tiles overlap by a quarter."""
_OTHERS_BYTES = 1.5e9
"""Left for the depth model and the renderer, together with what a step takes, so that no model need be unloaded."""
_USABLE = 0.95
"""Share of the budget that is planned for; torch's allocator cannot use all of the memory."""
_PINNED_BYTES = 16e9
"""The most main memory that is pinned, so that it cannot be swapped out."""
_UNPINNED_COST = 8
"""How much longer it takes to copy from a mapped file than from pinned memory; both vary with the computer."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of a network's weights."""

    blocks: tuple[int, ...]
    """Each block of layers, in the order in which they run."""
    fp8_blocks: tuple[int, ...]
    """The same blocks with their large layers in fp8; () if the network is never stored so."""
    rest: int
    """Everything that always stays on the card: the layers outside of the blocks, and the autoencoder."""


@dataclass(frozen=True)
class Plan:
    """Which blocks are streamed, and how the weights are stored."""

    fp8: bool = False
    """The blocks' large layers are stored in fp8 (e4m3) and cast when they run."""
    streamed: tuple[int, ...] = ()
    """Indices of the blocks that are copied to the card each time they run; the others stay on it."""
    pinned: bool = True
    """The streamed blocks lie in pinned main memory; otherwise they are read from the mapped file."""
    tiles: bool = False
    """The autoencoder works in tiles."""
    card_bytes: float = 0
    """Peak use of the card."""
    main_bytes: float = 0
    """Main memory that is pinned."""
    cost_bytes: float = 0
    """Bytes that are copied for each step, as from pinned memory: the expected order of speed."""

    def __str__(self) -> str:
        storage = "weights in fp8" if self.fp8 else "weights as published"
        where = "from pinned memory" if self.pinned else "from the file"
        streamed = f"{len(self.streamed)} blocks streamed {where}" if self.streamed else "all resident"
        return f"{storage}, {streamed}{', decoded in tiles' if self.tiles else ''}"


def plans(read_sizes: Callable[[], Sizes], budget: Budget, pixels: int) -> list[Plan]:
    """The plans within the budget, the one that is expected to be fastest first; never empty.

    There is more than one only if it must be measured which is faster: weights as published, some of them streamed, or
    in fp8, fewer of them streamed. If nothing fits, the plan that needs least of the card. `pixels`: of the picture.
    """
    if budget.card_bytes is None:
        return [Plan()]
    sizes = read_sizes()
    usable = _USABLE * budget.card_bytes - min(_OTHERS_BYTES, budget.card_bytes / 4)
    tiles = _DECODE_BYTES * pixels > budget.card_bytes / 4
    work = max(_DENOISE_BYTES * pixels, _DECODE_BYTES * (min(pixels, TILE_PX**2) if tiles else pixels))
    pinnable = min(_PINNED_BYTES, budget.main_bytes / 2)
    kinds = [False, True] if sizes.fp8_blocks else [False]
    every = [_plan(sizes, fp8, k, pinnable, work, tiles) for fp8 in kinds for k in range(len(sizes.blocks) + 1)]
    possible = [plan for plan in every if plan.main_bytes <= pinnable]
    fitting = [plan for plan in possible if plan.card_bytes <= usable]
    if not fitting:
        return [min(possible, key=lambda plan: plan.card_bytes)]
    best = [min(found, key=_cost) for fp8 in kinds if (found := [plan for plan in fitting if plan.fp8 == fp8])]
    if not best[0].fp8 and not best[0].streamed:
        return best[:1]
    best.sort(key=_cost)
    return [plan for plan in best if plan.pinned or plan is best[0]]


def _cost(plan: Plan) -> tuple[float, bool]:
    return plan.cost_bytes, plan.fp8


def _plan(sizes: Sizes, fp8: bool, count: int, pinnable: float, work: float, tiles: bool) -> Plan:
    """The plan with `count` streamed blocks. What is streamed in fp8 is always pinned: the file has other bytes."""
    blocks = sizes.fp8_blocks if fp8 else sizes.blocks
    streamed = sorted(spread(len(blocks))[:count])
    copied = sum(blocks[i] for i in streamed)
    slots = 2 * max((blocks[i] for i in streamed), default=0)
    pinned = fp8 or copied <= pinnable
    card = sizes.rest + work + sum(blocks) - copied + slots
    cost = copied * (1 if pinned else _UNPINNED_COST)
    return Plan(fp8, tuple(streamed), pinned, tiles, card, copied if pinned else 0, cost)


def spread(count: int) -> list[int]:
    """The numbers below `count` in an order in which the first k of them lie far apart, for each k.

    So a block is copied while several resident ones run. Bits in reverse order (van der Corput 1935).
    """
    bits = max(count - 1, 0).bit_length()
    order = (int(f"{i:0{bits}b}"[::-1], 2) if bits else 0 for i in range(1 << bits))
    return [i for i in order if i < count]
