"""A captioner with a vision-language model: it describes the picture, and the description becomes the prompt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from vistadream.backends.caption.reading import Reader, read
from vistadream.backends.needs import Needs, on_any_device
from vistadream.backends.weights.one_model import Device, OneModel
from vistadream.backends.weights.policy import MemoryChoice, Policy
from vistadream.backends.weights.store import folder_of
from vistadream.backends.weights.table import MODELS
from vistadream.core import Note, tell
from vistadream.core.knobs import require
from vistadream.ops.image.pixels import to_uint8

NAMES = tuple(name for name, model in MODELS.items() if model.role == "caption")
_NO_CAPTION = "a place with clear objects"
"""Replaces an empty caption."""


@dataclass(frozen=True)
class VlmCaption(OneModel):
    """A prompt for the outpainter by BLIP or Qwen-VL; the same picture gives the same prompt."""

    NEEDS = Needs(packages=("transformers", "huggingface_hub"), models=on_any_device("blip-base"))

    text: str | None
    """The prompt for every picture; no model is loaded. None: the model describes the picture."""
    model: str
    """One of NAMES."""
    wording: str
    """The prompt, in which {caption} stands for the model's description."""
    path: Path | None
    """The folder with the model's files; None: the cache, or the hub."""
    device: Device
    """auto: cuda if torch finds a GPU, else cpu; mps is Apple's GPU."""
    memory: MemoryChoice
    """These models are small enough to stay on the GPU as a whole under each policy."""
    accept_noncommercial: bool
    """Qwen2.5-VL-3B may not be used commercially."""

    def __post_init__(self) -> None:
        self.check_knobs(NAMES)
        require(self, "wording", "{caption}" in self.wording, "a sentence with {caption} in it")

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> str:
        """The prompt.

        Raises UserError without the package, the weights or their license, or with weights that are not this model's.
        """
        if self.text is not None:
            return self.text
        picture = to_uint8(rgb)
        return self.worded(_caption(self, picture.tobytes(), *picture.shape[:2]))

    def worded(self, caption: str) -> str:
        """The prompt with a caption in it."""
        return self.wording.replace("{caption}", caption or _NO_CAPTION)

    def describe(self, picture: UInt8[ndarray, "h w 3"]) -> str:
        """The model's description of a picture."""
        return self.run(partial(self._describe, picture))

    def _describe(self, picture: UInt8[ndarray, "h w 3"], policy: Policy) -> str:
        return self.loaded(self._load, policy)(picture)

    def _load(self) -> Reader:
        folder = folder_of(self.entry, self.path, self.accept_noncommercial)
        reader = read(folder, self.model, self.device_type)
        tell("caption/model", Note(f"captions by {self.model} on the {self.device_type}, from {folder}"))
        return reader


@lru_cache(maxsize=4)
def _caption(captioner: VlmCaption, pixels: bytes, height: int, width: int) -> str:
    """The model's description of a picture, computed once in a run."""
    return captioner.describe(np.frombuffer(pixels, np.uint8).reshape(height, width, 3))
