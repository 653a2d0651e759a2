"""Outpainting by FLUX.1-Fill, through diffusers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.diffusion.compositing import composite
from vistadream.backends.diffusion.flux1_fill import files
from vistadream.backends.diffusion.outpainter import DiffusionOutpainter
from vistadream.backends.diffusion.placement import OnDevice, bytes_of, place, place_autoencoder, sizes_of
from vistadream.backends.diffusion.plan import Plan, Sizes, plans
from vistadream.backends.diffusion.progress import report_steps, seconds_of_step
from vistadream.backends.diffusion.prompts import Embeddings, PromptCache, origin
from vistadream.backends.diffusion.trial import Chooser
from vistadream.backends.diffusion.working_size import WorkingSize
from vistadream.backends.needs import DIFFUSION, Needs, on_any_device
from vistadream.backends.weights.named_files import files_of
from vistadream.backends.weights.one_model import Device
from vistadream.backends.weights.policy import Budget, MemoryChoice
from vistadream.backends.weights.residence import Ladder, resident
from vistadream.backends.weights.store import folder_of
from vistadream.core import Note, tell
from vistadream.core.knobs import FROM_0, check_ranges

_TOKENS = 512
"""Length of a prompt for the text encoder, T5."""


@dataclass(frozen=True)
class FluxFill(DiffusionOutpainter, OnDevice):
    """FLUX.1-Fill (Black Forest Labs 2024), which reads the picture, the mask and the prompt in every step.

    The work has three pieces, so that a full GPU costs only one of them: prompt, latents, picture. A prompt is encoded
    once and kept on disk (PromptCache).
    """

    NEEDS = Needs(
        packages=DIFFUSION, models=on_any_device(files.FILL.name, files.TEXT.name), slow_on_cpu=True, prompt=True
    )

    path: Path | None
    """A diffusers folder, or one with flux1-fill-dev.safetensors and ae.safetensors; None: the cache, or a download."""
    text_path: Path | None
    """A folder with the text encoders; None: `path` if it has them, else the cache, or a download."""
    accept_noncommercial: bool
    """The license of FLUX.1 [dev] is read and accepted."""
    device: Device
    """auto: cuda where torch sees a GPU, else cpu."""
    memory: MemoryChoice
    """How much of the GPU's memory the model may use (weights.policy.Policy); auto: all that is free."""
    steps: int
    """Denoising steps."""
    guidance: float
    """How closely the prompt and the picture are followed; FLUX.1-Fill was trained for 30."""
    max_px: int
    """A picture with more pixels than this squared is painted smaller and enlarged."""
    feather_px: float
    """Distance from the seam over which the remaining color step fades."""

    def __post_init__(self) -> None:
        self.check_knobs()
        check_ranges(self, guidance=FROM_0)

    def inputs(self) -> Sequence[Path]:
        """Every file of the folders that the user names."""
        return [*files_of(self.path), *files_of(self.text_path)]

    def __call__(
        self, rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"], prompt: str, seed: int
    ) -> Float[Tensor, "h w 3"]:
        """`rgb` with its hole painted; known pixels bit-identical.

        Raises UserError without an accepted license, the packages, the weights, or room on the GPU.
        """
        if not hole.any():
            return rgb
        files.painter_folder(self.path, self.accept_noncommercial)  # raises before a text encoder is downloaded
        embeddings = self._embeddings(prompt)
        latents, size = self._ladder(partial(self._denoise, rgb, hole, embeddings, seed))
        painted = self._ladder(partial(self._decode, latents, size))
        return composite(size.leave(painted.cpu()).to(rgb), rgb, hole, self.feather_px)

    def _embeddings(self, prompt: str) -> Embeddings:
        folder = files.user_text_folder(self.path, self.text_path)
        cache = PromptCache(files.TEXT.name, f"{origin(files.TEXT, folder)} {self._dtype} {_TOKENS}")
        return cache(prompt, lambda: self._text_ladder(partial(self._encode, prompt)))

    @torch.no_grad()
    def _encode(self, prompt: str, budget: Budget) -> Embeddings:
        """The embeddings; the text encoders have left all memory when it returns."""
        key = self, "text"
        pipeline = resident(key, partial(self._load_encoders, budget), files.TEXT.memory.high)
        try:
            tokens, pooled, _ = pipeline.encode_prompt(prompt, device=self._device, max_sequence_length=_TOKENS)
        finally:
            del pipeline
            resident.drop(key)
        return {"prompt_embeds": tokens, "pooled_prompt_embeds": pooled}

    def _denoise(
        self, rgb: Tensor, hole: Tensor, embeddings: Embeddings, seed: int, budget: Budget
    ) -> tuple[Tensor, WorkingSize]:
        size = self.working_size(hole, files.FILL.name)
        image, mask = size.enter(rgb.detach().cpu(), hole.cpu())

        def latents(plan: Plan, steps: int, after_step: Callable[..., dict[str, Any]]) -> Tensor:
            return self._pipeline(plan)(
                image=image,
                mask_image=mask,
                height=size.outer_height,
                width=size.outer_width,
                num_inference_steps=steps,
                guidance_scale=self.guidance,
                generator=torch.Generator().manual_seed(seed),
                output_type="latent",
                callback_on_step_end=after_step,
                **{name: tensor.to(self._device) for name, tensor in embeddings.items()},
            ).images

        plan = self._chooser(budget, size.pixels, lambda plan: seconds_of_step(partial(latents, plan)))
        return latents(plan, self.steps, report_steps("outpaint/flux-fill", self.steps)), size

    @torch.no_grad()
    def _decode(self, latents: Tensor, size: WorkingSize, budget: Budget) -> Float[Tensor, "1 3 H W"]:
        pipeline = self._pipeline(self._chooser(budget, size.pixels))
        decoder = pipeline.vae
        unpacked = pipeline._unpack_latents(latents, size.outer_height, size.outer_width, pipeline.vae_scale_factor)
        scaled = unpacked / decoder.config.scaling_factor + decoder.config.shift_factor
        return (decoder.decode(scaled, return_dict=False)[0].float() / 2 + 0.5).clamp(0, 1)

    def _pipeline(self, plan: Plan) -> Any:
        return resident((self, "painter", plan), partial(self._load_painter, plan), plan.card_bytes / 1e9)

    def _mapped(self) -> Any:
        return files.painter(files.painter_folder(self.path, self.accept_noncommercial), self._dtype)

    def _sizes(self) -> Sizes:
        pipeline = self._mapped()
        return sizes_of(pipeline.transformer, others=bytes_of(pipeline.vae), fp8=True)

    def _load_painter(self, plan: Plan) -> Any:
        pipeline = self._mapped()
        place(pipeline.transformer, plan, self._device)
        place_autoencoder(pipeline.vae, plan, self._device)
        tell("outpaint/model", Note(f"outpainting by {files.FILL.name} on the {self._device.type}: {plan}"))
        return pipeline

    def _load_encoders(self, budget: Budget) -> Any:
        given = files.user_text_folder(self.path, self.text_path)
        pipeline = files.encoders(folder_of(files.TEXT, given, self.accept_noncommercial), self._dtype)
        pipeline.text_encoder.to(self._device)
        sizes = partial(sizes_of, pipeline.text_encoder_2, others=bytes_of(pipeline.text_encoder))
        place(pipeline.text_encoder_2, plans(sizes, budget, pixels=0)[0], self._device)
        return pipeline

    @cached_property
    def _chooser(self) -> Chooser:
        return Chooser(files.FILL.name, self._sizes)

    @cached_property
    def _ladder(self) -> Ladder:
        return Ladder(files.FILL, self.memory, on_cpu=self.device == "cpu")

    @cached_property
    def _text_ladder(self) -> Ladder:
        return Ladder(files.TEXT, self.memory, on_cpu=self.device == "cpu")
