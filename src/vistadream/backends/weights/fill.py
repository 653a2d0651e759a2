"""Loads published tensors into a model; a tensor that is missing or has another shape is an error."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from vistadream.core import Note, UserError, tell


def fill(model: nn.Module, weights: dict[str, Tensor], file: Path, exact: bool = False) -> None:
    """Gives every tensor of the model its value from `weights`, which were read from `file`.

    A model that was built on the device `meta` takes the tensors themselves, without a copy. Tensors that the model
    does not have are a warning in the log, or an error if `exact`. Of a tensor that several layers share, one name is
    enough: safetensors stores no more. UserError names the first tensors that are missing or have another shape.
    """
    wanted = model.state_dict(keep_vars=True)
    names: dict[int, list[str]] = {}
    for name, tensor in wanted.items():
        names.setdefault(id(tensor), []).append(name)
    fits = {name for name, tensor in weights.items() if name in wanted and tensor.shape == wanted[name].shape}
    wrong = sorted({name for name in wanted if name in weights} - fits)
    wrong += [shared[0] for shared in names.values() if not any(name in weights for name in shared)]
    if wrong:
        raise UserError(
            f"{file} lacks {len(wrong)} of the model's {len(wanted)} tensors, or has them in another shape: "
            f"{', '.join(wrong[:3])}...; wanted the file as published, and the version that belongs to it"
        )
    if extra := sorted(weights.keys() - wanted.keys()):
        unused = f"{file}: {len(extra)} tensors are not used: {', '.join(extra[:3])}..."
        if exact:
            raise UserError(f"{unused}; wanted the file as published")
        tell(f"weights/{type(model).__name__}", Note(unused, "warning"))
    model.load_state_dict(weights, strict=False, assign=any(tensor.is_meta for tensor in wanted.values()))
