"""The device of each part of a diffusion model under each memory policy, and how its weights are stored.

| policy | transformer | text encoder | decoder |
|---|---|---|---|
| high | on the device | on the device | on the device |
| balanced | on the device while in use, in fp8 | on the device while in use | on the device |
| low | block by block, in fp8 | layer by layer | on the device, in tiles |

The same code runs on a CPU, where moves cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from vistadream.backends import packages
from vistadream.backends.weights.policy import Policy

_NOT_CAST = ("norm", "modulation", "embed", "^proj_out$")
"""Name patterns of the layers in FLUX.1 and FLUX.2 that are not stored in fp8. `proj_out` inside a block is."""
TILE_PX = 512
"""Side of the autoencoder's tiles under `low`; adjacent tiles overlap by a quarter."""


class OnBestDevice:
    """Base of classes that run a diffusion model: on the GPU in bfloat16, as published, else on the CPU in float32."""

    @property
    def _device(self) -> torch.device:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def _dtype(self) -> torch.dtype:
        return torch.bfloat16 if torch.cuda.is_available() else torch.float32


def working_px(policy: Policy, max_px: int) -> int:
    """Side of a square with as many pixels as a picture may have under a policy: under `low` 3/4 of `max_px`."""
    return max_px * 3 // 4 if policy is Policy.LOW else max_px


def place_transformer(transformer: Any, policy: Policy, device: torch.device) -> None:
    """Prepares a diffusers transformer that is in main memory; use it inside `on_device`.

    Under `balanced` and `low` the weights are stored in fp8 (e4m3), and each layer is cast when it runs. Norms,
    modulations, embedders and the last layer keep their precision: errors in them reach every block.
    """
    if policy is not Policy.HIGH:
        transformer.enable_layerwise_casting(torch.float8_e4m3fn, transformer.dtype, _NOT_CAST)
    if policy is Policy.LOW:
        streams = device.type == "cuda"  # the next block is copied while one runs
        transformer.enable_group_offload(device, num_blocks_per_group=1, use_stream=streams, non_blocking=streams)
    elif policy is Policy.HIGH:
        transformer.to(device)


def place_encoder(encoder: nn.Module, policy: Policy, device: torch.device) -> None:
    """Prepares a text encoder that is in main memory; use it inside `on_device`. Its weights are not cast."""
    if policy is Policy.LOW:
        hooks = packages.load("diffusers.hooks")
        hooks.apply_group_offloading(encoder, device, offload_type="leaf_level")
    elif policy is Policy.HIGH:
        encoder.to(device)


def place_autoencoder(autoencoder: Any, policy: Policy, device: torch.device) -> None:
    """Moves a diffusers autoencoder to the device; under `low` it works in tiles of TILE_PX."""
    autoencoder.to(device)
    if policy is Policy.LOW:
        autoencoder.enable_tiling()
        halvings = len(autoencoder.config.block_out_channels) - 1
        autoencoder.tile_sample_min_size, autoencoder.tile_latent_min_size = TILE_PX, TILE_PX >> halvings


@contextmanager
def on_device(part: nn.Module, policy: Policy, device: torch.device) -> Iterator[None]:
    """The prepared part can be used in the block; under `balanced` it is on the device only during the block."""
    if policy is not Policy.BALANCED:
        yield
        return
    part.to(device)
    try:
        yield
    finally:
        part.to("cpu")
