"""The networks of the package of Depth Anything 3, and their weights from a file as published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vistadream.backends import packages
from vistadream.backends.weights.fill import fill
from vistadream.core import UserError

_GAUSSIANS = ("gs_head", "gs_adapter")
"""Parts of the giant model that are not built: they predict Gaussians, and their module imports a GPL-3.0 package."""


def read_model(layout: Any, file: Path) -> Any:
    """The network of a `configuration`, ready for use, with the weights of a file.

    UserError for a file that is damaged or belongs to another model.
    """
    with torch.random.fork_rng(devices=[]):  # the layers draw random values before they get the weights
        model = packages.load("depth_anything_3.cfg").create_object(layout)
    weights = {name.removeprefix("model."): tensor for name, tensor in _read(file).items()}
    fill(model, {name: tensor for name, tensor in weights.items() if name.split(".")[0] not in _GAUSSIANS}, file)
    return model.eval()


def configuration(name: str) -> Any:
    """The package's configuration of a model of the table, without the parts that predict Gaussians.

    UserError without the package.
    """
    packages.load("depth_anything_3.utils.logger").logger.level = 0  # it would print to the screen
    packages.load("depth_anything_3.model.da3")  # imports the classes that the configurations name
    registry = packages.load("depth_anything_3.registry").MODEL_REGISTRY
    layout = packages.load("depth_anything_3.cfg").load_config(registry[name.removesuffix("-1.1")])
    for part in _GAUSSIANS:
        layout.pop(part, None)
    return layout


def _read(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file} cannot be read as safetensors ({error}); wanted the file as published") from error
