"""How a model may use the graphics card, chosen from what is free on it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

from vistadream.backends.weights.table import Memory

_GB = 1e9


class Policy(StrEnum):
    """From fast to small. What a backend does under each:"""

    HIGH = "high"
    """All of the model stays on the card."""
    BALANCED = "balanced"
    """The parts of the model take turns on the card, their weights in fp8, cast layer by layer."""
    LOW = "low"
    """Blocks of layers take turns, in fp8 or NF4; the autoencoder works in tiles; the picture may be smaller."""

    @property
    def smaller(self) -> Policy | None:
        """The next that needs less, or None."""
        return {Policy.HIGH: Policy.BALANCED, Policy.BALANCED: Policy.LOW}.get(self)


MemoryChoice = Literal["auto", "high", "balanced", "low"]
"""Values of the knob `memory`: a policy, or `auto` for the fastest one that fits what is free on the card."""
CHOICES = get_args(MemoryChoice)


def choose(asked: str, memory: Memory, free_bytes: int | None) -> tuple[Policy, str]:
    """The policy for a model, and why, in words for a line of the log.

    `asked` is one of CHOICES; `free_bytes` is what the card has free, None without a card. `auto` takes the fastest
    policy whose peak fits, else `low`. Raises ValueError for a word that is none of CHOICES.
    """
    if asked not in CHOICES:
        raise ValueError(f"memory: got {asked!r}; wanted one of {', '.join(CHOICES)}")
    if asked != "auto":
        return Policy(asked), "as asked"
    if free_bytes is None:
        return Policy.HIGH, "there is no GPU, so the model stays in main memory"
    free = f"{free_bytes / _GB:.1f} GB free on the GPU"
    for policy in Policy:
        need = getattr(memory, policy)
        if need * _GB <= free_bytes:
            return policy, f"{free}, about {need:g} GB needed"
    return Policy.LOW, f"{free}, less than the {memory.low:g} GB that even low needs: it may not fit"
