"""The part of the published file that only its training used. It is built to check the file, and is never run."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from vistadream.backends.splats.sharp.decoder import normalized_residual

_STEPS, _GROUPS = 4, 4


def scale_map_estimator(channels: int) -> nn.ModuleDict:
    """A U-Net that brought predicted depth to the true one in training, as a tree of its layers."""
    widths = [channels << step for step in range(_STEPS + 1)]
    down = [_step(a, b) for a, b in pairwise(widths)]
    up = [_step(2 * a if i else a, b) for i, (a, b) in enumerate(pairwise(widths[::-1]))]
    entry = nn.Sequential(nn.Conv2d(2, channels, 3, padding=1), nn.GroupNorm(_GROUPS, channels))
    exit_layers = [nn.GroupNorm(_GROUPS, 2 * channels), nn.ReLU(), nn.Conv2d(2 * channels, channels, 1)]
    last = nn.Sequential(*exit_layers, nn.GroupNorm(_GROUPS, channels))
    return nn.ModuleDict(
        {
            "encoder": nn.ModuleDict({"conv_in": entry, "convs_down": nn.ModuleList(down)}),
            "decoder": nn.ModuleDict({"convs_up": nn.ModuleList(up), "conv_out": last}),
            "conv_out": nn.Conv2d(channels, 1, 1),
        }
    )


def _step(channels: int, out: int) -> nn.Sequential:
    """Two blocks after a change of size."""
    blocks = normalized_residual(channels, out, _GROUPS), normalized_residual(out, out, _GROUPS)
    return nn.Sequential(nn.Identity(), *blocks)
