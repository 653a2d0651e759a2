"""What outpainters with a diffusion model share: four knobs, and the size at which they paint."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.diffusion.working_size import WorkingSize
from vistadream.backends.weights.named_files import NamedFiles
from vistadream.backends.weights.one_model import Device, check_device
from vistadream.backends.weights.policy import MemoryChoice
from vistadream.core import Note, tell
from vistadream.core.knobs import ABOVE_0, FROM_1, Range, check_ranges

MULTIPLE = 16
"""The sides of a painted picture are multiples of this: 8 pixels per latent, 2 latents per token."""


class DiffusionOutpainter(NamedFiles):
    """Base of frozen dataclasses that have these knobs and `path`."""

    device: Device
    memory: MemoryChoice
    steps: int
    max_px: int
    feather_px: float

    def check_knobs(self) -> None:
        """Raises ValueError for a knob that is out of its range."""
        check_ranges(self, steps=FROM_1, max_px=Range(256), feather_px=ABOVE_0)
        check_device(self)

    def working_size(self, hole: Bool[Tensor, "h w"], model: str) -> WorkingSize:
        """The size at which `model` paints; a note in the log if it is smaller than the picture."""
        size = WorkingSize.of(hole.shape[0], hole.shape[1], MULTIPLE, self.max_px)
        if size.shrinks:
            shape = f"{size.width}x{size.height} pixels are painted as {size.inner_width}x{size.inner_height}"
            tell("outpaint/size", Note(f"{model}: {shape} (backends.outpaint.max_px)"))
        return size


def whole_tokens(mask: Float[Tensor, "1 1 H W"]) -> Float[Tensor, "1 1 H W"]:
    """The mask (1: to be painted) extended to whole tokens, so that a token with any hole in it is painted.

    For a pipeline that samples its mask at the middle of each token, where a narrow hole may have no pixel. The sides
    of the mask are multiples of MULTIPLE.
    """
    return F.interpolate(F.max_pool2d(mask, MULTIPLE), scale_factor=MULTIPLE, mode="nearest")
