"""How each family of vision-language models gets a picture and is asked for a sentence.

Image processors and tokenizers are combined here rather than by transformers' own Processor classes: that of Qwen needs
a video processor, which needs torchvision, and no captioner here reads a video.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from numpy import ndarray

from vistadream.backends import packages
from vistadream.backends.weights.pretrained import pretrained
from vistadream.core import UserError
from vistadream.formats.json_file import read_json

_QUESTION = (
    "Name the place and its main objects in one sentence of at most thirty words, as if you stood there. "
    "Do not mention a photo, a camera or a frame."
)
_PREFIX = re.compile(
    r"^(arafed |(there (is|are)|this is|it is) |(an? )?((close up|black and white|blurry) )*"
    r"(photo|photograph|picture|image|view|shot) (of|shows|showing) )+"
)
_MAX_TOKENS = 64


@dataclass(frozen=True)
class Reader:
    """A loaded model and the function that asks it."""

    model: Any
    ask: Callable[[Any, UInt8[ndarray, "h w 3"]], str]
    """(model, picture) -> the answer."""

    def __call__(self, picture: UInt8[ndarray, "h w 3"]) -> str:
        """The description of a picture, without "a photo of" and without a full stop; may be empty."""
        with torch.inference_mode():
            answer = self.ask(self.model, picture).strip()
        return _PREFIX.sub("", answer[:1].lower() + answer[1:]).rstrip(". ")


def read(folder: Path, name: str, device: str) -> Reader:
    """The model of that name in the table, from a folder as published.

    Raises UserError for a model of another family, which may have another license, and for one that lacks tensors.
    """
    wanted, asker = _FAMILIES[name]
    auto = packages.load("transformers").AutoModelForImageTextToText
    try:
        family = read_json(folder / "config.json", finite=False).get("model_type")
        if family != wanted:
            kinds = ", ".join(f"{kind} (model={model})" for model, (kind, _) in _FAMILIES.items())
            raise UserError(f"{folder} holds a model of type {family!r}, and model={name} is {wanted}; wanted {kinds}")
        ask = asker(folder)
        dtype = torch.bfloat16 if device == "cuda" else "auto"
    except (OSError, ValueError, LookupError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{folder} cannot be read ({reason}); wanted the files as published") from error
    return Reader(pretrained(auto, folder, dtype=dtype, trust_remote_code=False).to(device), ask)


def _blip(folder: Path) -> Callable[[Any, ndarray], str]:
    """BLIP (Li et al. 2022, arXiv 2201.12086) writes a caption without a question."""
    pil = packages.load("transformers.models.blip.image_processing_pil_blip")
    processor, tokenizer = pil.BlipImageProcessorPil.from_pretrained(folder), _tokenizer(folder)

    def ask(model: Any, picture: ndarray) -> str:
        pixels = processor(images=picture, return_tensors="pt")["pixel_values"].to(model.device, model.dtype)
        tokens = model.generate(pixel_values=pixels, max_new_tokens=_MAX_TOKENS, do_sample=False, num_beams=3)
        return tokenizer.decode(tokens[0], skip_special_tokens=True)

    return ask


def _qwen(folder: Path) -> Callable[[Any, ndarray], str]:
    """Qwen-VL (arXiv 2502.13923) answers a question in ChatML, in which each merged patch of the picture is a token."""
    pil = packages.load("transformers.models.qwen2_vl.image_processing_pil_qwen2_vl")
    processor, tokenizer = pil.Qwen2VLImageProcessorPil.from_pretrained(folder), _tokenizer(folder)

    def ask(model: Any, picture: ndarray) -> str:
        image = processor(images=picture, return_tensors="pt")
        patches = int(image["image_grid_thw"].prod()) // processor.merge_size**2
        text = (
            f"<|im_start|>user\n<|vision_start|>{'<|image_pad|>' * patches}<|vision_end|>{_QUESTION}<|im_end|>\n"
            "<|im_start|>assistant\n"
        )
        question = tokenizer(text, return_tensors="pt").to(model.device)
        tokens = model.generate(
            **question,
            mm_token_type_ids=(question["input_ids"] == model.config.image_token_id).int(),
            pixel_values=image["pixel_values"].to(model.device, model.dtype),
            image_grid_thw=image["image_grid_thw"].to(model.device),
            max_new_tokens=_MAX_TOKENS,
            do_sample=False,
        )
        return tokenizer.decode(tokens[0, question["input_ids"].shape[1] :], skip_special_tokens=True)

    return ask


def _tokenizer(folder: Path) -> Any:
    return packages.load("transformers").AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )


_FAMILIES = {"blip-base": ("blip", _blip), "qwen3-vl-2b": ("qwen3_vl", _qwen), "qwen2.5-vl-3b": ("qwen2_5_vl", _qwen)}
"""Name in the table -> `model_type` of its config.json, and the maker of the function that asks such a model."""
