"""The memory policy of a model: how much of the GPU it may use, chosen by the GPU's free memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, get_args

from vistadream.backends.weights.table import Memory

_GB = 1e9


class Policy(StrEnum):
    """How much of the card a model may use, from the most to the least."""

    HIGH = "high"
    """The whole card."""
    BALANCED = "balanced"
    """At most 24 GB."""
    LOW = "low"
    """At most 12 GB."""

    @property
    def smaller(self) -> Policy | None:
        """The next policy, which needs less memory, or None."""
        return {Policy.HIGH: Policy.BALANCED, Policy.BALANCED: Policy.LOW}.get(self)

    @property
    def card_bytes(self) -> float:
        """The most that a model may use."""
        return {Policy.BALANCED: 24e9, Policy.LOW: 12e9}.get(self, float("inf"))


@dataclass(frozen=True)
class Budget:
    """The memory that a model may use."""

    policy: Policy
    card_bytes: float | None
    """On the GPU; None without a GPU."""
    main_bytes: float
    """In main memory."""

    @property
    def smaller(self) -> Budget | None:
        """The budget after one that was too large: of the next policy, and at most 3/4 of this; or None."""
        if (policy := self.policy.smaller) is None:
            return None
        card_bytes = None if self.card_bytes is None else min(policy.card_bytes, 0.75 * self.card_bytes)
        return replace(self, policy=policy, card_bytes=card_bytes)


MemoryChoice = Literal["auto", "high", "balanced", "low"]
"""Values of the knob `memory`: a policy, or `auto` for all that is free on the card."""
CHOICES = get_args(MemoryChoice)


def choose(asked: str, memory: Memory, free_bytes: int | None) -> tuple[Policy, str]:
    """The policy for a model, and the reason as text for the log.

    `asked` is one of CHOICES; `free_bytes` is the GPU's free memory, None without a GPU. `auto` takes the first
    policy whose need in the table fits, else `low`. Raises ValueError if `asked` is not one of CHOICES.
    """
    if asked not in CHOICES:
        raise ValueError(f"memory: got {asked!r}; wanted one of {', '.join(CHOICES)}")
    if asked != "auto":
        return Policy(asked), "as asked"
    if free_bytes is None:
        return Policy.HIGH, "the model works on the CPU, in main memory"
    free = f"{free_bytes / _GB:.1f} GB free on the GPU"
    for policy in Policy:
        need = getattr(memory, policy)
        if need * _GB <= free_bytes:
            return policy, f"{free}, about {need:g} GB needed"
    return Policy.LOW, f"{free}, less than the {memory.low:g} GB of low: it may be slow, or not fit"


def budget_for(asked: str, memory: Memory, free_bytes: int | None, main_bytes: int) -> tuple[Budget, str]:
    """The memory that a model may use, and the reason for its policy; arguments as those of `choose`.

    `auto` may use all that is free, a policy that is named at most what it stands for.
    """
    policy, reason = choose(asked, memory, free_bytes)
    most = float("inf") if asked == "auto" else policy.card_bytes
    return Budget(policy, None if free_bytes is None else min(free_bytes, most), main_bytes), reason
