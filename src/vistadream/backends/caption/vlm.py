"""A captioner that looks: a vision-language model names what is to be seen, and that becomes the prompt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from vistadream.backends.caption.reading import Reader, read
from vistadream.backends.weights.policy import CHOICES, Policy
from vistadream.backends.weights.residence import Ladder, resident
from vistadream.backends.weights.store import folder_of
from vistadream.backends.weights.table import MODELS
from vistadream.core import Note, tell
from vistadream.ops.image import to_uint8

NAMES = tuple(name for name, model in MODELS.items() if model.role == "caption")
DEVICES = ("auto", "cpu", "cuda")
_UNSEEN = "a place with clear objects"
"""Stands for the caption when the model says nothing."""


@dataclass(frozen=True)
class VlmCaption:
    """A prompt for the outpainter by BLIP or Qwen-VL; the same picture gives the same prompt."""

    text: str | None
    """Said of every picture instead, and no model is loaded."""
    model: str
    """One of NAMES."""
    wording: str
    """The prompt around {caption}."""
    path: str | None
    """The folder with the model's files; None: the cache, or the hub."""
    device: str
    """auto, cpu or cuda."""
    memory: str
    """Of weights.policy.CHOICES; these models are small enough to stay whole under each."""

    def __post_init__(self) -> None:
        for knob, value, wanted in (
            ("model", self.model, NAMES),
            ("device", self.device, DEVICES),
            ("memory", self.memory, CHOICES),
        ):
            if value not in wanted:
                raise ValueError(f"VlmCaption.{knob}: got {value!r}; wanted one of {', '.join(wanted)}")
        if "{caption}" not in self.wording:
            raise ValueError(f"VlmCaption.wording: got {self.wording!r}; wanted a sentence with {{caption}} in it")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("VlmCaption.device: got cuda, and torch sees no GPU; wanted cpu or auto here")

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> str:
        """The prompt. UserError without the package or the weights, or with weights that are not this model's."""
        if self.text is not None:
            return self.text
        picture = to_uint8(rgb)
        return self.worded(_caption(self, picture.tobytes(), *picture.shape[:2]))

    def worded(self, caption: str) -> str:
        """The prompt around a caption."""
        return self.wording.replace("{caption}", caption or _UNSEEN)

    def describe(self, picture: UInt8[ndarray, "h w 3"]) -> str:
        """What the model says."""
        work = partial(self._describe, picture)
        return self._ladder(work) if self._device == "cuda" else work(Policy.HIGH)

    def _describe(self, picture: UInt8[ndarray, "h w 3"], policy: Policy) -> str:
        return resident(self, self._load, getattr(MODELS[self.model].memory, policy))(picture)

    def _load(self) -> Reader:
        folder = folder_of(MODELS[self.model], self.path)
        reader = read(folder, self._device)
        tell("caption/model", Note(f"captions by {self.model} on the {self._device}, from {folder}"))
        return reader

    @cached_property
    def _ladder(self) -> Ladder:
        return Ladder(MODELS[self.model], self.memory)

    @cached_property
    def _device(self) -> str:
        return ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device


@lru_cache(maxsize=4)
def _caption(captioner: VlmCaption, pixels: bytes, height: int, width: int) -> str:
    """What the model says of a picture, asked once in a run."""
    return captioner.describe(np.frombuffer(pixels, np.uint8).reshape(height, width, 3))
