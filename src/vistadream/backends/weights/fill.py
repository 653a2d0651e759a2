"""Published tensors into a model; nothing that is missing or of another shape is passed over."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from vistadream.core import Note, UserError, tell


def fill(model: nn.Module, weights: dict[str, Tensor], file: Path) -> None:
    """Every tensor of the model gets its value from `weights`, read from `file`; tensors of no use are told of.

    A tensor that several layers share may be there under one of its names: safetensors keeps no more.
    Raises UserError that names the first of those that are missing or have another shape.
    """
    own = model.state_dict()
    names: dict[tuple[int, torch.Size], list[str]] = {}
    for name, tensor in own.items():
        names.setdefault((tensor.data_ptr(), tensor.shape), []).append(name)
    fits = {name for name, tensor in weights.items() if name in own and tensor.shape == own[name].shape}
    wrong = sorted({name for name in own if name in weights} - fits)
    wrong += [shared[0] for shared in names.values() if not any(name in weights for name in shared)]
    if wrong:
        raise UserError(
            f"{file} lacks {len(wrong)} of the model's {len(own)} tensors, or has them in another shape: "
            f"{', '.join(wrong[:3])}...; wanted the file as published, and the package that belongs to it"
        )
    if extra := sorted(weights.keys() - own.keys()):
        tell("depth/model", Note(f"{file}: {len(extra)} tensors are of no use: {', '.join(extra[:3])}...", "warning"))
    model.load_state_dict(weights, strict=False)
