"""The device of a run, on which its Views and Gaussians live after the stage load."""

from __future__ import annotations

import errno

from vistadream.backends.auto import Choice
from vistadream.backends.needs import Needs
from vistadream.core import UserError

CHOICES = ("auto", "cpu", "cuda", "mps")


def device_of(asked: str, renderer: object) -> Choice:
    """What `device=` means for a run with this renderer; UserError, caused by ENODEV, for one that torch does not see.

    `auto` takes the GPU where the renderer draws on it. Elsewhere every drawing would copy the scene to the CPU.
    """
    if asked == "auto":
        on_gpu = getattr(renderer, "NEEDS", Needs()).gpu
        return Choice("cuda" if on_gpu else "cpu", f"where {type(renderer).__name__} draws")
    if not _seen(asked):
        sentence = f"device={asked}: torch sees no such device; wanted cpu or auto on this machine"
        raise UserError(sentence) from OSError(errno.ENODEV, "no such device")
    return Choice(asked, "as asked")


def _seen(device: str) -> bool:
    """Whether torch can compute there. The GPUs of ROCm are called cuda too."""
    import torch

    return {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[device]
