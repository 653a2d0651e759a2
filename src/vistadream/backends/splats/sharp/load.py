"""The network with the published weights, from their file."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from vistadream.backends.splats.sharp.network import SharpNetwork
from vistadream.backends.splats.sharp.sizes import PUBLISHED
from vistadream.backends.weights import store
from vistadream.backends.weights.fill import fill
from vistadream.backends.weights.table import Model
from vistadream.core import UserError

_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_WANTED = "wanted the file as published"


def weights_file(model: Model, path: Path | None, accept_noncommercial: bool) -> Path:
    """The file with the weights: `path` itself, in the folder `path`, or on this machine; nothing is downloaded.

    UserError for a license that is not accepted, and for a file that is not there.
    """
    store.check_license(model, accept_noncommercial)
    if path is not None and path.is_file():
        return path
    if (folder := store.named(model, path) if path else store.find(model)) is None:
        raise UserError(
            f"the weights of {model.name} are not on this machine, {model.bytes_about / 1e9:.1f} GB ({model.page}); "
            f"wanted them: `vistadream download {model.name} --accept-noncommercial`, or a copy by "
            f"backends.{model.role}.path=FILE"
        )
    return folder / model.files[0]


def read_network(file: Path) -> SharpNetwork:
    """The network in main memory, ready for use; its tensors are those of the mapped file.

    UserError for a file that is damaged, holds something else, or has tensors missing, too many or misshaped.
    """
    weights = _read(file)
    if _is_depth_pro(weights):
        raise UserError(f"{file} is Depth Pro, whose encoders have the same names; wanted the file of SHARP")
    with torch.device("meta"):
        network = SharpNetwork(PUBLISHED)
    fill(network, weights, file, exact=True)
    network.drop_unused()
    return network.float().requires_grad_(False).eval()


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors by name, mapped from the file."""
    try:
        with file.open("rb") as stream:
            start = stream.read(64).lstrip().lower()
        if start.startswith(_PAGES):
            raise UserError(f"{file} is a web page, which a server sent in place of the weights; {_WANTED}: remove it")
        weights = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, LookupError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{file} cannot be read, as if it were cut short or damaged ({reason}); {_WANTED}") from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise UserError(f"{file} holds other things than tensors by their names; {_WANTED}")
    return weights


def _is_depth_pro(weights: dict[str, Tensor]) -> bool:
    return any(name.startswith(("encoder.patch_encoder.", "depth_pro.encoder.patch_encoder.")) for name in weights)
