"""Weights of an earlier network in a new one with more blocks, which first gives the same maps."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from vistadream.backends.depth.network.model import DepthNet

BLOCK = re.compile(r"down16\.(\d+)\.(.+)")
"""Entries of the coarsest level: number 0 shrinks, the last one normalizes, those between are attention blocks."""
SILENT = re.compile(r"down16\.\d+\.(out|narrow)\..+|.+\.second_norm\.(weight|bias)")
"""The last layers of attention and residual blocks; with zeros there, a block changes nothing."""


def read_weights(file: Path) -> dict[str, Tensor]:
    """Exported weights, or the averaged ones of a checkpoint."""
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return {name: x.float() if x.is_floating_point() else x for name, x in load_file(file).items()}
    weights: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)["averaged"]
    return weights


def grow(net: DepthNet, weights: dict[str, Tensor]) -> None:
    """Loads the weights; blocks that they lack change nothing at first. A network with fewer blocks is an error."""
    last = max(int(match[1]) for name in weights if (match := BLOCK.fullmatch(name)))
    moved = {_renumbered(name, last, net.depth + 1): x for name, x in weights.items()}
    state = net.state_dict()
    if any(SILENT.fullmatch(name) and name not in state for name in moved):
        raise ValueError("the weights have more blocks than the network: raise recipe.depth or recipe.blocks")
    for name, x in state.items():
        if name in moved:
            x.copy_(moved[name])
        elif SILENT.fullmatch(name):
            x.zero_()


def _renumbered(name: str, last: int, new_last: int) -> str:
    match = BLOCK.fullmatch(name)
    return f"down16.{new_last}.{match[2]}" if match and int(match[1]) == last else name
