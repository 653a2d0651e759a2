"""Models of the published sizes, or tiny ones, with random weights instead of those that would be read.

A folder holds what a published one holds except for the weights: configurations, and tokenizers of a few letters.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import accelerate
import torch
import transformers

from vistadream.backends.diffusion import klein
from vistadream.backends.diffusion.flux1_fill import files
from vistadream.backends.diffusion.parts import assemble, read_config

LETTERS = [chr(code) for code in range(33, 127)]
FLUX = {part: read_config(files.CONFIGURATIONS / part / "config.json") for part in ("transformer", "vae")} | {
    "text_encoder": {
        "vocab_size": 49408,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "projection_dim": 768,
    },
    "text_encoder_2": {
        "vocab_size": 32128,
        "d_model": 4096,
        "d_kv": 64,
        "d_ff": 10240,
        "num_layers": 24,
        "num_heads": 64,
        "feed_forward_proj": "gated-gelu",
    },
}
KLEIN = {
    "transformer": {
        "in_channels": 128,
        "num_layers": 5,
        "num_single_layers": 20,
        "num_attention_heads": 24,
        "joint_attention_dim": 7680,
        "guidance_embeds": False,
    },
    "vae": {},
    "text_encoder": {
        "vocab_size": 151936,
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "tie_word_embeddings": True,
    },
}
_TWO_BLOCKS = {"block_out_channels": [8, 8], "layers_per_block": 1, "norm_num_groups": 2, "latent_channels": 2} | {
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
}
_SMALL_STACK = {"num_layers": 1, "num_single_layers": 1, "num_attention_heads": 2, "attention_head_dim": 16}
TINY_FLUX = {
    "transformer": FLUX["transformer"]
    | _SMALL_STACK
    | {"in_channels": 32, "out_channels": 8, "joint_attention_dim": 32, "pooled_projection_dim": 32}
    | {"axes_dims_rope": [4, 4, 8]},
    "vae": FLUX["vae"] | _TWO_BLOCKS,
    "text_encoder": FLUX["text_encoder"]
    | {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2},
    "text_encoder_2": FLUX["text_encoder_2"] | {"d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2},
}
TINY_KLEIN = {
    "transformer": KLEIN["transformer"]
    | _SMALL_STACK
    | {"in_channels": 8, "joint_attention_dim": 48, "axes_dims_rope": [4, 4, 4, 4]},
    "vae": _TWO_BLOCKS,
    "text_encoder": KLEIN["text_encoder"]
    | {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 28, "num_attention_heads": 1}
    | {"num_key_value_heads": 1, "head_dim": 16, "vocab_size": 512},
}


def write_flux(folder: Path, sizes: dict[str, dict]) -> Path:
    """FLUX.1-Fill as diffusers lays it out, without weights."""
    _write(folder, "FluxFillPipeline", sizes)
    words = [*LETTERS, *(letter + "</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    clip = folder / "tokenizer"
    clip.mkdir()
    (clip / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (clip / "merges.txt").write_text("#version: 0.2\n")
    (clip / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 77}))
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in LETTERS)]
    transformers.T5TokenizerFast(vocab=pieces, extra_ids=0).save_pretrained(folder / "tokenizer_2")
    return folder


def write_klein(folder: Path, sizes: dict[str, dict]) -> Path:
    """FLUX.2-klein as diffusers lays it out, without weights."""
    _write(folder, "Flux2KleinPipeline", sizes)
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = map(chr, (*range(33, 127), *range(161, 173), *range(174, 324)))  # the bytes, as GPT-2 spells them
    tokenizer = folder / "tokenizer"
    tokenizer.mkdir()
    (tokenizer / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate([*letters, *marks])}))
    (tokenizer / "merges.txt").write_text("#version: 0.2\n")
    loaded = transformers.Qwen2Tokenizer.from_pretrained(tokenizer)
    loaded.chat_template = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
    loaded.save_pretrained(tokenizer)
    return folder


def _write(folder: Path, pipeline: str, sizes: dict[str, dict]) -> None:
    (folder / "scheduler").mkdir(parents=True)
    schedule = (files.CONFIGURATIONS / "scheduler" / "scheduler_config.json").read_text()
    (folder / "scheduler" / "scheduler_config.json").write_text(schedule)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    for part, config in sizes.items():
        (folder / part).mkdir()
        (folder / part / "config.json").write_text(json.dumps(config))


@contextlib.contextmanager
def random_weights() -> Iterator[None]:
    """While the block runs, parts whose weights would be read get random ones."""
    with contextlib.ExitStack() as stack:
        for module in (files, klein):
            stack.enter_context(patch.object(module, "read_part", _random_part))
            stack.enter_context(patch.object(module, "pretrained", _random_encoder))
        yield


def _random_part(part_class: Any, folder: Path, dtype: torch.dtype, without: tuple[str, ...] = ()) -> Any:
    config = {key: value for key, value in read_config(folder / "config.json").items() if key not in without}
    with torch.device("meta"):
        empty = part_class.from_config(config)
    return assemble(part_class, config, _noise(empty, dtype), dtype, str(folder))


def _random_encoder(encoder: Any, folder: Path, dtype: torch.dtype) -> Any:
    with accelerate.init_empty_weights():
        model = encoder(encoder.config_class(**read_config(folder / "config.json")))
    model.load_state_dict(_noise(model, dtype), assign=True)
    model.tie_weights()
    return model.requires_grad_(False).eval()


def _noise(model: torch.nn.Module, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """A tensor for each of the model's, cut from one block of noise: to draw billions of numbers would take minutes."""
    block = (0.02 * torch.randn(1 << 22)).to(dtype)

    def like(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_floating_point():
            return torch.zeros(tensor.shape, dtype=tensor.dtype)
        copies = -(-tensor.numel() // len(block))
        return (block.repeat(copies) if copies > 1 else block)[: tensor.numel()].reshape(tensor.shape).clone()

    return {name: like(tensor) for name, tensor in model.state_dict().items()}
