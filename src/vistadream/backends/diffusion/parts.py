"""Reads the parts of a diffusion model without holding them in main memory twice.

Tensors are mapped from the file, so main memory is needed only for copies: none when a part goes to the GPU, half of
its size when it is stored in fp8.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vistadream.backends import packages
from vistadream.core import UserError
from vistadream.formats.json_file import read_json


def read_part(part_class: Any, folder: Path, dtype: torch.dtype, without: tuple[str, ...] = ()) -> Any:
    """A diffusers model from `folder`, which has config.json and one or more .safetensors. On the CPU, for inference.

    `without` names published keys of config.json that the class does not read; diffusers would warn about them.
    UserError names the folder and what is wrong with its files.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise UserError(f"{folder} has no .safetensors; wanted the weights of {part_class.__name__}")
    tensors = {name: tensor for file in files for name, tensor in read_tensors(file).items()}
    config = {key: value for key, value in read_config(folder / "config.json").items() if key not in without}
    return assemble(part_class, config, tensors, dtype, str(folder))


def assemble(part_class: Any, config: dict, tensors: dict[str, Tensor], dtype: torch.dtype, where: str) -> Any:
    """A diffusers model with these tensors, whose names and shapes must be exactly those of the model."""
    with packages.load("accelerate").init_empty_weights():
        part = part_class.from_config(config)
    wanted = {name: tensor.shape for name, tensor in part.state_dict().items()}
    given = {name: tensor.shape for name, tensor in tensors.items()}
    if wrong := sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name)):
        raise UserError(
            f"{where} is not {part_class.__name__} as its configuration says: {len(wrong)} of {len(wanted)} tensors "
            f"are missing, too many, or of another shape: {', '.join(wrong[:3])}...; wanted the files as published"
        )
    cast = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    part.load_state_dict(cast, assign=True)
    return part.requires_grad_(False).eval()


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, mapped; UserError if it cannot be read."""
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file} cannot be read ({error}); wanted the file as published: download it again") from error


def read_config(file: Path) -> dict:
    """A JSON object from a file; UserError if it cannot be read."""
    try:
        return read_json(file)
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({error}); wanted a configuration of diffusers") from error
