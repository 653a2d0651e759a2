"""How the parts of the network run within a budget of memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from vistadream.backends.weights.policy import Policy


@dataclass(frozen=True)
class Plan:
    """What a policy means for this network."""

    at_once: int = 35
    """Pictures that an encoder reads together; the network makes 35 of one photo."""
    half: bool = False
    """Whether the encoders work in bfloat16."""
    in_turn: bool = False
    """Whether a part is copied to the device only while it runs, from the main memory where all of them stay."""

    @staticmethod
    def of(policy: Policy, device_type: str) -> Plan:
        """The plan of a policy. On a CPU, one picture at a time is as fast, and takes less memory."""
        if device_type == "cpu":
            return Plan(at_once=1)
        return {
            Policy.HIGH: Plan(),
            Policy.BALANCED: Plan(half=True),
            Policy.LOW: Plan(at_once=1, half=True, in_turn=True),
        }[policy]

    def run(self, part: nn.Module, *inputs: Any) -> Any:
        """What a part of the network returns."""
        if not self.in_turn:
            return part(*inputs)
        device = next(x for x in inputs if isinstance(x, Tensor)).device
        return functional_call(part, {name: tensor.to(device) for name, tensor in part.state_dict().items()}, inputs)

    def encode(self, encoder: nn.Module, pictures: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """The maps that an encoder returns, in single precision."""
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=self.half):
            parts = [self.run(encoder, some) for some in pictures.split(self.at_once)]
        return [torch.cat(maps).float() for maps in zip(*parts, strict=True)]
