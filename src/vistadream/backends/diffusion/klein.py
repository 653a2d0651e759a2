"""FLUX.2-klein-4B as its outpainter and its text_to_image share it: one checkpoint, loaded once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends import packages
from vistadream.backends.diffusion.parts import read_config, read_part
from vistadream.backends.diffusion.placement import (
    at_work,
    device_and_dtype,
    place_autoencoder,
    place_encoder,
    place_transformer,
)
from vistadream.backends.diffusion.progress import tell_steps
from vistadream.backends.diffusion.prompts import Embeddings, PromptCache, origin
from vistadream.backends.weights.policy import CHOICES, Policy
from vistadream.backends.weights.pretrained import pretrained, read_tokenizer
from vistadream.backends.weights.residence import Ladder, resident
from vistadream.backends.weights.store import folder_of
from vistadream.backends.weights.table import MODELS
from vistadream.core import Note, UserError, tell

KLEIN = MODELS["flux2-klein-4b"]
_TOKENS = 512
"""Of a prompt, for Qwen3."""
_PIPELINES = ("Flux2KleinPipeline", "Flux2KleinInpaintPipeline")


@dataclass(frozen=True)
class Parts:
    """The parts that make a picture of encoded words."""

    transformer: Any
    vae: Any
    scheduler: Any


@dataclass(frozen=True)
class Klein:
    """The checkpoint in a folder, under a wish for memory. The work is in three pieces: prompt, latents, picture.

    Distilled (Black Forest Labs 2026): a few steps, and no guidance. Take it from `shared_klein`.
    """

    path: str | None
    memory: str

    def folder(self) -> Path:
        """The model's files, fetched when they are not here; UserError when they are not to be had, or another's."""
        folder = folder_of(KLEIN, self.path)
        if (kind := read_config(folder / "model_index.json").get("_class_name")) not in _PIPELINES:
            raise UserError(f"{folder} holds a {kind}; wanted {KLEIN.repository} as published")
        return folder

    def embeddings(self, prompt: str) -> Embeddings:
        """The prompt as the transformer reads it, from disk if it was ever encoded before."""
        cache = PromptCache(
            KLEIN.name, f"{origin(KLEIN, self.folder() if self.path else None)} {self._dtype} {_TOKENS}"
        )
        return cache(prompt, lambda: self.ladder(partial(self._encode, prompt)))

    def latents(self, pipeline: str, task: str, policy: Policy, steps: int, seed: int, **inputs: Any) -> Tensor:
        """What one of _PIPELINES makes of its inputs, before it is decoded; each step is told as TASK/progress."""
        parts = self.painter(policy)
        painting = getattr(packages.load("diffusers"), pipeline)(
            scheduler=parts.scheduler,
            vae=parts.vae,
            transformer=parts.transformer,
            text_encoder=None,
            tokenizer=None,
            is_distilled=True,
        )
        painting.set_progress_bar_config(disable=True)
        given = {name: self._ready(value) if isinstance(value, Tensor) else value for name, value in inputs.items()}
        with at_work(parts.transformer, policy, self._device):
            return painting(
                num_inference_steps=steps,
                guidance_scale=1.0,
                generator=torch.Generator().manual_seed(seed),
                output_type="latent",
                callback_on_step_end=tell_steps(task, steps),
                **given,
            ).images

    @torch.no_grad()
    def encoded(self, image: Float[Tensor, "1 3 H W"], policy: Policy) -> Tensor:
        """A picture in [0, 1] as latents, four to a channel, as the pipelines take one instead of a picture.

        A picture itself they would shrink to a megapixel, to sides of their own.
        """
        parts = self.painter(policy)
        found = parts.vae.encode(self._ready(image) * 2 - 1).latent_dist.mode()
        return torch.nn.functional.pixel_unshuffle(found, 2)

    @torch.no_grad()
    def decode(self, latents: Tensor, policy: Policy) -> Float[Tensor, "1 3 H W"]:
        """The picture in [0, 1], in main memory."""
        decoded = self.painter(policy).vae.decode(latents, return_dict=False)[0]
        return (decoded.float() / 2 + 0.5).clamp(0, 1).cpu()

    @cached_property
    def ladder(self) -> Ladder:
        """Runs the pieces."""
        return Ladder(KLEIN, self.memory)

    def painter(self, policy: Policy) -> Parts:
        """The loaded and placed parts that paint."""
        need_gb = getattr(KLEIN.memory, policy)
        return resident((self, "painter", policy), partial(self._load_painter, policy), need_gb)

    def _load_painter(self, policy: Policy) -> Parts:
        folder, diffusers = self.folder(), packages.load("diffusers")
        schedule = read_config(folder / "scheduler" / "scheduler_config.json")
        parts = Parts(
            read_part(diffusers.Flux2Transformer2DModel, folder / "transformer", self._dtype),
            read_part(diffusers.AutoencoderKLFlux2, folder / "vae", self._dtype, without=("force_upcast",)),
            diffusers.FlowMatchEulerDiscreteScheduler.from_config(schedule),
        )
        place_transformer(parts.transformer, policy, self._device)
        place_autoencoder(parts.vae, policy, self._device)
        tell("klein/model", Note(f"painting by {KLEIN.name} on the {self._device.type}, from {folder}"))
        return parts

    @torch.no_grad()
    def _encode(self, prompt: str, policy: Policy) -> Embeddings:
        need_gb = getattr(KLEIN.memory, policy)
        pipeline = resident((self, "words", policy), partial(self._load_encoder, policy), need_gb)
        with at_work(pipeline.text_encoder, policy, self._device):
            tokens, _ = pipeline.encode_prompt(prompt, device=self._device, max_sequence_length=_TOKENS)
        return {"prompt_embeds": tokens}

    def _load_encoder(self, policy: Policy) -> Any:
        folder, transformers = self.folder(), packages.load("transformers")
        encoder = pretrained(transformers.Qwen3ForCausalLM, folder / "text_encoder", dtype=self._dtype)
        tokenizer = read_tokenizer(transformers.AutoTokenizer, folder / "tokenizer")
        place_encoder(encoder, policy, self._device)
        pipeline = packages.load("diffusers").Flux2KleinPipeline
        return pipeline(scheduler=None, vae=None, transformer=None, text_encoder=encoder, tokenizer=tokenizer)

    def _ready(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._dtype)

    @property
    def _device(self) -> torch.device:
        return device_and_dtype()[0]

    @property
    def _dtype(self) -> torch.dtype:
        return device_and_dtype()[1]


@lru_cache(maxsize=4)
def shared_klein(path: str | None, memory: str) -> Klein:
    """The one of these knobs, so that a step down of one backend is one of the other. ValueError for no policy."""
    if memory not in CHOICES:
        raise ValueError(f"memory: got {memory!r}; wanted one of {', '.join(CHOICES)}")
    return Klein(path, memory)
