"""Where the parts of a diffusion model lie under each memory policy, and how their weights are stored.

| policy | transformer | text encoder | decoder |
|---|---|---|---|
| high | on the device | on the device | on the device |
| balanced | on the device while it works, in fp8 | on the device while it works | on the device |
| low | block by block, in fp8 | layer by layer | on the device, in tiles |

The same code runs with the CPU as its device, where moves cost nothing.
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
"""Layers that keep their precision in fp8, by patterns of their names in FLUX.1 and FLUX.2. The blocks of FLUX.1 have a
`proj_out` of their own, which is cast."""
TILE_PX = 512
"""Side of the autoencoder's tiles under `low`; neighbours overlap by a quarter."""


def device_and_dtype() -> tuple[torch.device, torch.dtype]:
    """The GPU and bfloat16, in which these models are published; else the CPU in single precision."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.bfloat16
    return torch.device("cpu"), torch.float32


def working_px(policy: Policy, largest: int) -> int:
    """Side of a square of so many pixels as a picture may have under a policy: three quarters of it under `low`."""
    return largest * 3 // 4 if policy is Policy.LOW else largest


def place_transformer(transformer: Any, policy: Policy, device: torch.device) -> None:
    """Prepares a diffusers transformer that lies in main memory; use it inside `at_work`.

    fp8 (e4m3) is how weights are stored; each layer is cast for its own turn. Norms, modulations, embedders and the
    last layer stay as they are: errors in them reach every block.
    """
    if policy is not Policy.HIGH:
        transformer.enable_layerwise_casting(torch.float8_e4m3fn, transformer.dtype, _NOT_CAST)
    if policy is Policy.LOW:
        streams = device.type == "cuda"  # the next block comes while one works
        transformer.enable_group_offload(device, num_blocks_per_group=1, use_stream=streams, non_blocking=streams)
    elif policy is Policy.HIGH:
        transformer.to(device)


def place_encoder(encoder: nn.Module, policy: Policy, device: torch.device) -> None:
    """Prepares a text encoder that lies in main memory; use it inside `at_work`. Its weights are not cast."""
    if policy is Policy.LOW:
        hooks = packages.load("diffusers.hooks")
        hooks.apply_group_offloading(encoder, device, offload_type="leaf_level")
    elif policy is Policy.HIGH:
        encoder.to(device)


def place_autoencoder(autoencoder: Any, policy: Policy, device: torch.device) -> None:
    """Puts a diffusers autoencoder on the device; under `low` it works in tiles of TILE_PX."""
    autoencoder.to(device)
    if policy is Policy.LOW:
        autoencoder.enable_tiling()
        halvings = len(autoencoder.config.block_out_channels) - 1
        autoencoder.tile_sample_min_size, autoencoder.tile_latent_min_size = TILE_PX, TILE_PX >> halvings


@contextmanager
def at_work(part: nn.Module, policy: Policy, device: torch.device) -> Iterator[None]:
    """While the block runs the placed part is ready; under `balanced` it then leaves the device to the next one."""
    if policy is not Policy.BALANCED:
        yield
        return
    part.to(device)
    try:
        yield
    finally:
        part.to("cpu")
