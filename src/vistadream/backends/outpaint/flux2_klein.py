"""Outpainting by FLUX.2-klein-4B, whose license allows any use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.diffusion.compositing import composite
from vistadream.backends.diffusion.klein import KLEIN, Klein, Task, shared_klein
from vistadream.backends.diffusion.outpainter import DiffusionOutpainter, whole_tokens
from vistadream.backends.diffusion.plan import Plan
from vistadream.backends.diffusion.prompts import Embeddings
from vistadream.backends.diffusion.working_size import WorkingSize
from vistadream.backends.needs import DIFFUSION, Needs, on_any_device
from vistadream.backends.weights.one_model import Device
from vistadream.backends.weights.policy import Budget, MemoryChoice
from vistadream.core import Outpainter


@dataclass(frozen=True)
class KleinOutpainter(DiffusionOutpainter):
    """FLUX.2-klein is an editing model: after every step the known latents are put back, with the noise of that step.

    Its reference is the whole canvas, so the hole is filled first (`first_fill`), and then painted from pure noise. It
    paints whole tokens, that is every square of 16 pixels with any hole in it; the known pixels among them are restored
    at the end.
    """

    NEEDS = Needs(
        packages=(*DIFFUSION, "diffusers.pipelines.flux2.pipeline_flux2_klein_inpaint"),
        models=on_any_device(KLEIN.name),
        slow_on_cpu=True,
        prompt=True,
    )

    first_fill: Literal["smooth", "patches"]
    """smooth: the known colors are continued smoothly, which takes less time than a step; patches: by `prefill`."""
    prefill: Outpainter
    """Fills the hole under first_fill=patches."""
    path: Path | None
    """The folder with the model's files; None: the cache, or the hub."""
    device: Device
    """auto: cuda where torch sees a GPU, else cpu."""
    memory: MemoryChoice
    """How much of the GPU's memory the model may use (weights.policy.Policy); auto: all that is free."""
    steps: int
    """Denoising steps; it was distilled for 4."""
    max_px: int
    """A picture with more pixels than this squared is painted smaller and enlarged."""
    feather_px: float
    """Distance from the seam over which the remaining color step fades."""

    def __post_init__(self) -> None:
        self.check_knobs()

    def __call__(
        self, rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"], prompt: str, seed: int
    ) -> Float[Tensor, "h w 3"]:
        """`rgb` with its hole painted; known pixels bit-identical.

        Raises UserError without the packages, the weights, or room on the GPU; ValueError when every pixel is hole.
        """
        if not hole.any():
            return rgb
        klein = self._klein
        klein.folder()  # raises before anything is computed
        embeddings = klein.embeddings(prompt)
        canvas = smooth_fill(rgb, hole) if self.first_fill == "smooth" else self.prefill(rgb, hole, prompt, seed)
        latents, size = klein.ladder(partial(self._denoise, canvas, hole, embeddings, seed))
        painted = klein.ladder(partial(klein.decode, latents, size.pixels))
        return composite(size.leave(painted).to(rgb), rgb, hole, self.feather_px)

    def _denoise(
        self, canvas: Tensor, hole: Tensor, embeddings: Embeddings, seed: int, budget: Budget
    ) -> tuple[Tensor, WorkingSize]:
        klein, size = self._klein, self.working_size(hole, KLEIN.name)
        image, _ = size.enter(canvas.detach().cpu(), torch.zeros_like(hole.cpu()))
        _, mask = size.enter(canvas.detach().cpu(), hole.cpu())

        def inputs(plan: Plan) -> dict[str, Any]:
            return {
                "image": klein.encoded(image, plan),
                "mask_image": whole_tokens(mask),
                "strength": 1.0,
                **embeddings,
            }

        task = Task("Flux2KleinInpaintPipeline", "outpaint/flux2-klein", inputs, size.pixels)
        return klein.latents(task, self.steps, seed, budget), size

    @property
    def _klein(self) -> Klein:
        return shared_klein(self.path, self.memory, self.device)


def smooth_fill(rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"]) -> Float[Tensor, "h w 3"]:
    """`rgb` with the smoothest continuation of its known colors in the hole. ValueError when every pixel is hole."""
    from vistadream.ops.holes.poisson import poisson_fill  # numba: for those that paint

    if hole.all():
        raise ValueError(f"smooth_fill: all {hole.numel()} pixels are hole; wanted at least one known pixel")
    filled = poisson_fill(rgb.detach().cpu().double().numpy(), (~hole).cpu().numpy())
    return torch.where(hole[..., None], torch.from_numpy(filled).to(rgb), rgb)
