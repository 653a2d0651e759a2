"""A checkpoint's averaged weights as half-precision safetensors, with how they came about."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from safetensors.torch import save_file

from train_embedded_depth.grow import grow, read_weights
from train_embedded_depth.shards import REVISION
from vistadream.backends.depth.network.model import DepthNet


def export(checkpoint: Path, out: Path, start: Path | None = None, share: float = 0.0) -> None:
    """Writes the weights that the package ships; a weight too large for half precision is an error.

    With `share` of the weights that the training started from, the network keeps more of what those could do
    (Wortsman et al. 2022).
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net = DepthNet(depth=state["depth"], blocks=state["blocks"])
    net.load_state_dict(state["averaged"])
    mixed = net.state_dict()
    if start:
        earlier = copy.deepcopy(net)
        grow(earlier, read_weights(start))
        mixed = {
            name: torch.lerp(mixed[name], x, share) if x.is_floating_point() else x
            for name, x in earlier.state_dict().items()
        }
    weights = {name: x.half() if x.is_floating_point() else x for name, x in mixed.items()}
    if not all(bool(x.isfinite().all()) for x in weights.values()):
        raise ValueError("export: a weight is not finite in half precision; train with a lower rate")
    facts = {
        "steps": state["step"],
        "area": state["area"],
        "depth": state["depth"],
        "blocks": state["blocks"],
        "share_of_start": share if start else 0.0,
        "generator_revision": REVISION,
        "licence": "Apache-2.0",
        "data": "generated only",
    }
    save_file({name: x.contiguous() for name, x in weights.items()}, out, {k: str(v) for k, v in facts.items()})
