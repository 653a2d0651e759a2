"""A picture from a prompt by FLUX.2-klein-4B, with the outpainter's checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from vistadream.backends.diffusion.klein import KLEIN, Klein, Task, shared_klein
from vistadream.backends.diffusion.outpainter import MULTIPLE
from vistadream.backends.needs import DIFFUSION, Needs, on_any_device
from vistadream.backends.weights.named_files import NamedFiles
from vistadream.backends.weights.one_model import Device, check_device
from vistadream.backends.weights.policy import MemoryChoice
from vistadream.core.knobs import FROM_1, check_ranges


@dataclass(frozen=True)
class KleinTextToImage(NamedFiles):
    """It shares its loaded parts with `backends/outpaint=flux2_klein` of the same `path` and `memory`."""

    NEEDS = Needs(packages=DIFFUSION, models=on_any_device(KLEIN.name))

    path: Path | None
    """The folder with the model's files; None: the cache, or the hub."""
    device: Device
    """auto: cuda where torch sees a GPU, else cpu."""
    memory: MemoryChoice
    """How much of the GPU's memory the model may use (weights.policy.Policy); auto: all that is free."""
    steps: int
    """Denoising steps; it was distilled for 4."""

    def __post_init__(self) -> None:
        check_ranges(self, steps=FROM_1)
        check_device(self)

    def __call__(self, prompt: str, width: int, height: int, seed: int) -> Float[Tensor, "height width 3"]:
        """A picture in [0, 1]. UserError without the packages, the weights, or room on the GPU.

        ValueError for a width or height that is not a multiple of MULTIPLE.
        """
        if min(width, height) < MULTIPLE or width % MULTIPLE or height % MULTIPLE:
            raise ValueError(f"KleinTextToImage: got {width}x{height} pixels; wanted positive multiples of {MULTIPLE}")
        klein = self._klein
        embeddings = klein.embeddings(prompt)
        inputs = {"width": width, "height": height, **embeddings}
        task = Task("Flux2KleinPipeline", "text_to_image/flux2-klein", lambda plan: inputs, width * height)
        latents = klein.ladder(partial(klein.latents, task, self.steps, seed))
        return klein.ladder(partial(klein.decode, latents, task.pixels))[0].permute(1, 2, 0)

    @property
    def _klein(self) -> Klein:
        return shared_klein(self.path, self.memory, self.device)
