"""Puts the parts of a diffusion model where a plan says: on the device, or in main memory to be streamed.

The same code runs on a CPU, where a copy to the device is a copy in main memory.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from vistadream.backends import packages
from vistadream.backends.diffusion.plan import TILE_PX, Plan, Sizes
from vistadream.backends.diffusion.streaming import Streamed
from vistadream.backends.weights.one_model import Device, device_type

_NOT_CAST = "norm|modulation|embed"
"""Names of the layers in the blocks of FLUX.1 and FLUX.2 that are not stored in fp8."""


class OnDevice:
    """Base of classes that run a diffusion model: on a GPU in bfloat16, as published, on the CPU in float32."""

    device: Device
    """auto: cuda where torch sees a GPU, else cpu."""

    @property
    def _device(self) -> torch.device:
        return torch.device(device_type(self.device))

    @property
    def _dtype(self) -> torch.dtype:
        return torch.float32 if self._device.type == "cpu" else torch.bfloat16


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """The blocks of layers in the order in which they run: the entries of the outermost lists of modules."""
    parts = (part if isinstance(part, nn.ModuleList) else blocks_of(part) for part in network.children())
    return list(chain.from_iterable(parts))


def sizes_of(network: nn.Module, others: int = 0, fp8: bool = False) -> Sizes:
    """Bytes of a network's weights; `others`: of what stays on the card with it; `fp8`: it may be stored in fp8."""
    blocks = blocks_of(network)
    sizes = [bytes_of(block) for block in blocks]
    saved = [sum(p.nbytes - p.numel() for layer in _cast(block) for p in layer.parameters()) for block in blocks]
    small = tuple(size - less for size, less in zip(sizes, saved, strict=True)) if fp8 else ()
    return Sizes(tuple(sizes), small, bytes_of(network) - sum(sizes) + others)


def bytes_of(network: nn.Module) -> int:
    """Bytes of its parameters and buffers."""
    return sum(tensor.nbytes for tensor in _tensors(network))


def place(network: nn.Module, plan: Plan, device: torch.device) -> None:
    """Prepares a network that is mapped from its file: it can then be called with inputs on the device.

    It is done block by block, so that main memory holds only what is streamed. In fp8 (e4m3) each layer is cast when it
    runs; norms, modulations and what is outside of the blocks keep their precision: errors in them reach every block.
    """
    blocks = blocks_of(network)
    in_blocks = {tensor for block in blocks for tensor in _tensors(block)}
    for tensor in _tensors(network):
        if tensor not in in_blocks:
            tensor.data = tensor.data.to(device)
    for i, block in enumerate(blocks):
        if i not in plan.streamed:
            _stored(block.to(device), plan.fp8)
    if plan.streamed:
        ready = (_stored(blocks[i].to(device), True) if plan.fp8 else blocks[i] for i in plan.streamed)
        Streamed(ready, device, plan.pinned)
    if device.type == "cuda":
        torch.cuda.empty_cache()  # what the blocks took before they were cast


def place_autoencoder(autoencoder: Any, plan: Plan, device: torch.device) -> None:
    """Moves a diffusers autoencoder to the device."""
    autoencoder.to(device)
    if plan.tiles:
        autoencoder.enable_tiling()
        halvings = len(autoencoder.config.block_out_channels) - 1
        autoencoder.tile_sample_min_size, autoencoder.tile_latent_min_size = TILE_PX, TILE_PX >> halvings


def _tensors(network: nn.Module) -> list[Tensor]:
    """Parameters and buffers, each once."""
    return list(dict.fromkeys(chain(network.parameters(), network.buffers())))


def _cast(block: nn.Module) -> list[nn.Module]:
    """The layers of a block that are stored in fp8."""
    named = block.named_modules()
    return [layer for name, layer in named if isinstance(layer, nn.Linear) and not re.search(_NOT_CAST, name)]


def _stored(block: nn.Module, fp8: bool) -> nn.Module:
    """The block with its large layers in fp8, if that is wanted."""
    for layer in _cast(block) if fp8 else ():
        packages.load("diffusers.hooks").apply_layerwise_casting(layer, torch.float8_e4m3fn, layer.weight.dtype, None)
    return block
