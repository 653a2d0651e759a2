"""Parts of a diffusion model read from their files without ever holding them twice.

Tensors are mapped from the file, so a part costs as much main memory as is made of it: none when it goes to the GPU,
half of its size when it is stored in fp8.
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

    `without` names published keys of config.json that the class does not read; diffusers would warn of them.
    UserError names the folder and what is wrong with its files.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise UserError(f"{folder} has no .safetensors; wanted the weights of {part_class.__name__}")
    tensors = {name: tensor for file in files for name, tensor in read_tensors(file).items()}
    config = {key: value for key, value in read_config(folder / "config.json").items() if key not in without}
    return assemble(part_class, config, tensors, dtype, str(folder))


def assemble(part_class: Any, config: dict, tensors: dict[str, Tensor], dtype: torch.dtype, where: str) -> Any:
    """A diffusers model of these tensors, which must be all that it has, in their shapes."""
    with packages.load("accelerate").init_empty_weights():
        part = part_class.from_config(config)
    own = {name: tensor.shape for name, tensor in part.state_dict().items()}
    given = {name: tensor.shape for name, tensor in tensors.items()}
    if wrong := sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name)):
        raise UserError(
            f"{where} is not {part_class.__name__} as its configuration says: {len(wrong)} of {len(own)} tensors are "
            f"missing, too many, or of another shape: {', '.join(wrong[:3])}...; wanted the files as published"
        )
    cast = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    part.load_state_dict(cast, assign=True)
    return part.requires_grad_(False).eval()


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, mapped; UserError when it is none."""
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file} cannot be read ({error}); wanted the file as published: download it again") from error


def read_config(file: Path) -> dict:
    """A JSON object; UserError when there is none."""
    try:
        return read_json(file)
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({error}); wanted a configuration of diffusers") from error
