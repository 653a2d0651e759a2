"""The memory policy of a model: how it uses the GPU, chosen by the GPU's free memory."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

from vistadream.backends.weights.table import Memory

_GB = 1e9


class Policy(StrEnum):
    """From the fastest to the one that needs least memory."""

    HIGH = "high"
    """The whole model stays on the GPU."""
    BALANCED = "balanced"
    """The parts of the model take turns on the GPU; their weights are stored in fp8 and cast layer by layer."""
    LOW = "low"
    """Blocks of layers take turns, in fp8 or NF4; the autoencoder works in tiles; the picture may be smaller."""

    @property
    def smaller(self) -> Policy | None:
        """The next policy, which needs less memory, or None."""
        return {Policy.HIGH: Policy.BALANCED, Policy.BALANCED: Policy.LOW}.get(self)


MemoryChoice = Literal["auto", "high", "balanced", "low"]
"""Values of the knob `memory`: a policy, or `auto` for the fastest one that fits what is free on the card."""
CHOICES = get_args(MemoryChoice)


def choose(asked: str, memory: Memory, free_bytes: int | None) -> tuple[Policy, str]:
    """The policy for a model, and the reason as text for the log.

    `asked` is one of CHOICES; `free_bytes` is the GPU's free memory, None without a GPU. `auto` takes the fastest
    policy whose peak fits, else `low`. Raises ValueError if `asked` is not one of CHOICES.
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
