"""The optimiser: Muon for the matrices inside the network, AdamW for the rest."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import AdamW, Muon

OUTER = ("maps", "usual")
"""Layers that end in outputs; their rows are no directions to be made equal."""


class Optimizer:
    """Muon (Jordan et al. 2024) steps by the nearest orthogonal matrix to the mean gradient, as far as AdamW would.

    torch's takes only matrices, so a convolution's kernel goes as one row for each of its outputs, in the same memory.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        named = list(net.named_parameters())
        self.inner = [p for name, p in named if p.ndim > 1 and not name.startswith(OUTER)]
        rest = [p for name, p in named if p.ndim < 2 or name.startswith(OUTER)]
        self.rows = [p.detach().view(len(p), -1) for p in self.inner]
        muon = Muon(self.rows, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
        self.both = (muon, AdamW(rest, weight_decay=decay))

    def step(self, rate: float) -> None:
        """Moves the weights along their gradients at that learning rate."""
        for rows, p in zip(self.rows, self.inner, strict=True):
            rows.grad = None if p.grad is None else p.grad.reshape(rows.shape)
        for optimizer in self.both:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Of both."""
        return {type(optimizer).__name__: optimizer.state_dict() for optimizer in self.both}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on as another left off."""
        for optimizer in self.both:
            optimizer.load_state_dict(state[type(optimizer).__name__])
