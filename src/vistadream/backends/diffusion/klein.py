"""FLUX.2-klein-4B, shared by the outpainter and by text_to_image: one checkpoint, loaded once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends import packages
from vistadream.backends.diffusion.parts import read_config, read_part
from vistadream.backends.diffusion.placement import OnDevice, bytes_of, place, place_autoencoder, sizes_of
from vistadream.backends.diffusion.plan import Plan, Sizes, plans
from vistadream.backends.diffusion.progress import report_steps, seconds_of_step
from vistadream.backends.diffusion.prompts import Embeddings, PromptCache, origin
from vistadream.backends.diffusion.trial import Chooser
from vistadream.backends.weights.one_model import Device
from vistadream.backends.weights.policy import CHOICES, Budget
from vistadream.backends.weights.pretrained import pretrained, read_tokenizer
from vistadream.backends.weights.residence import Ladder, resident
from vistadream.backends.weights.store import folder_of
from vistadream.backends.weights.table import MODELS
from vistadream.core import Note, UserError, tell

KLEIN = MODELS["flux2-klein-4b"]
_TOKENS = 512
"""Length of a prompt for the text encoder, Qwen3."""
_ENCODER_GB = 9.0
"""Peak of the text encoder."""
_PIPELINES = ("Flux2KleinPipeline", "Flux2KleinInpaintPipeline")


@dataclass(frozen=True)
class Parts:
    """The parts that make a picture from an encoded prompt."""

    transformer: Any
    vae: Any
    scheduler: Any


@dataclass(frozen=True)
class Task:
    """What latents are made of."""

    pipeline: str
    """One of _PIPELINES."""
    name: str
    """Each step is reported as NAME/progress."""
    inputs: Callable[[Plan], dict[str, Any]]
    """The pipeline's inputs, with the parts placed as a plan says."""
    pixels: int
    """Of the picture."""


@dataclass(frozen=True)
class Klein(OnDevice):
    """The checkpoint in a folder, under a memory policy. The work has three pieces: prompt, latents, picture.

    It is distilled (Black Forest Labs 2026): a few steps, and no guidance. Use `shared_klein` to get one.
    """

    path: Path | None
    memory: str
    device: Device

    def folder(self) -> Path:
        """The folder of the model's files, downloaded if missing; UserError if they are of another model."""
        folder = folder_of(KLEIN, self.path)
        if (kind := read_config(folder / "model_index.json").get("_class_name")) not in _PIPELINES:
            raise UserError(f"{folder} holds a {kind}; wanted {KLEIN.repository} as published")
        return folder

    def embeddings(self, prompt: str) -> Embeddings:
        """The encoded prompt, from disk if it was encoded before."""
        cache = PromptCache(
            KLEIN.name, f"{origin(KLEIN, self.folder() if self.path else None)} {self._dtype} {_TOKENS}"
        )
        return cache(prompt, lambda: self.ladder(partial(self._encode, prompt)))

    def latents(self, task: Task, steps: int, seed: int, budget: Budget) -> Tensor:
        """The latents of a task, by the fastest plan within the budget."""

        def run(plan: Plan, steps: int, after_step: Callable[..., dict[str, Any]]) -> Tensor:
            parts, given = self.painter(plan), task.inputs(plan)
            pipeline = getattr(packages.load("diffusers"), task.pipeline)(
                scheduler=parts.scheduler,
                vae=parts.vae,
                transformer=parts.transformer,
                text_encoder=None,
                tokenizer=None,
                is_distilled=True,
            )
            pipeline.set_progress_bar_config(disable=True)
            return pipeline(
                num_inference_steps=steps,
                guidance_scale=1.0,
                generator=torch.Generator().manual_seed(seed),
                output_type="latent",
                callback_on_step_end=after_step,
                **{name: self._ready(value) if isinstance(value, Tensor) else value for name, value in given.items()},
            ).images

        plan = self._chooser(budget, task.pixels, lambda plan: seconds_of_step(partial(run, plan)))
        return run(plan, steps, report_steps(task.name, steps))

    @torch.no_grad()
    def encoded(self, image: Float[Tensor, "1 3 H W"], plan: Plan) -> Tensor:
        """A picture in [0, 1] as latents, 2x2 of them stacked as channels, which the pipelines accept as a picture.

        The pipelines would shrink a picture itself to a megapixel.
        """
        latents = self.painter(plan).vae.encode(self._ready(image) * 2 - 1).latent_dist.mode()
        return torch.nn.functional.pixel_unshuffle(latents, 2)

    @torch.no_grad()
    def decode(self, latents: Tensor, pixels: int, budget: Budget) -> Float[Tensor, "1 3 H W"]:
        """The picture in [0, 1], with this number of pixels, on the CPU."""
        decoded = self.painter(self._chooser(budget, pixels)).vae.decode(latents, return_dict=False)[0]
        return (decoded.float() / 2 + 0.5).clamp(0, 1).cpu()

    @cached_property
    def ladder(self) -> Ladder:
        """Runs the pieces of work."""
        return Ladder(KLEIN, self.memory, on_cpu=self.device == "cpu")

    def painter(self, plan: Plan) -> Parts:
        """The parts that paint, loaded and placed."""
        return resident((self, "painter", plan), partial(self._load_painter, plan), plan.card_bytes / 1e9)

    def _mapped(self) -> Parts:
        folder, diffusers = self.folder(), packages.load("diffusers")
        schedule = read_config(folder / "scheduler" / "scheduler_config.json")
        return Parts(
            read_part(diffusers.Flux2Transformer2DModel, folder / "transformer", self._dtype),
            read_part(diffusers.AutoencoderKLFlux2, folder / "vae", self._dtype, without=("force_upcast",)),
            diffusers.FlowMatchEulerDiscreteScheduler.from_config(schedule),
        )

    def _sizes(self) -> Sizes:
        parts = self._mapped()
        return sizes_of(parts.transformer, others=bytes_of(parts.vae), fp8=True)

    def _load_painter(self, plan: Plan) -> Parts:
        parts = self._mapped()
        place(parts.transformer, plan, self._device)
        place_autoencoder(parts.vae, plan, self._device)
        tell("klein/model", Note(f"painting by {KLEIN.name} on the {self._device.type}: {plan}"))
        return parts

    @torch.no_grad()
    def _encode(self, prompt: str, budget: Budget) -> Embeddings:
        """The embeddings; the text encoder has left all memory when it returns."""
        key = self, "text"
        pipeline = resident(key, partial(self._load_encoder, budget), _ENCODER_GB)
        try:
            tokens, _ = pipeline.encode_prompt(prompt, device=self._device, max_sequence_length=_TOKENS)
        finally:
            del pipeline
            resident.drop(key)
        return {"prompt_embeds": tokens}

    def _load_encoder(self, budget: Budget) -> Any:
        folder, transformers = self.folder(), packages.load("transformers")
        encoder = pretrained(transformers.Qwen3ForCausalLM, folder / "text_encoder", dtype=self._dtype)
        tokenizer = read_tokenizer(transformers.AutoTokenizer, folder / "tokenizer")
        place(encoder, plans(partial(sizes_of, encoder), budget, pixels=0)[0], self._device)
        pipeline = packages.load("diffusers").Flux2KleinPipeline
        return pipeline(scheduler=None, vae=None, transformer=None, text_encoder=encoder, tokenizer=tokenizer)

    @cached_property
    def _chooser(self) -> Chooser:
        return Chooser(KLEIN.name, self._sizes)

    def _ready(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._dtype)


@lru_cache(maxsize=4)
def shared_klein(path: Path | None, memory: str, device: Device) -> Klein:
    """The one `Klein` with these knobs, so that its backends share its policy. ValueError for an unknown policy."""
    if memory not in CHOICES:
        raise ValueError(f"memory: got {memory!r}; wanted one of {', '.join(CHOICES)}")
    return Klein(path, memory, device)
