"""Folders as published, of the published sizes or tiny, with configurations, tokenizers of a few letters, and weights.

The weights are files of the right length and names, with noise at their beginning and zeros after it, which take no
space on the disk: so they are mapped and read as published ones are.
"""

from __future__ import annotations

import json
from pathlib import Path

import diffusers
import torch
import transformers

from vistadream.backends.diffusion.flux1_fill import files
from vistadream.backends.diffusion.parts import read_config
from vistadream.backends.splats.sharp.sizes import Sizes

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

TINY_SHARP = Sizes(
    grid=8, channels=48, blocks=2, heads=2, early=(0, 1), levels=(16, 16, 16, 16), depth_channels=16, splat_channels=16
)


def write_flux(folder: Path, sizes: dict[str, dict]) -> Path:
    """FLUX.1-Fill as diffusers lays it out."""
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
    """FLUX.2-klein as diffusers lays it out."""
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
        network = empty(pipeline, part, config)
        kind = "model" if part.startswith("text") else "diffusion_pytorch_model"
        _write_weights(folder / part / f"{kind}.safetensors", network)


_PARTS = {
    "FluxFillPipeline": {
        "transformer": diffusers.FluxTransformer2DModel,
        "vae": diffusers.AutoencoderKL,
        "text_encoder": transformers.CLIPTextModel,
        "text_encoder_2": transformers.T5EncoderModel,
    },
    "Flux2KleinPipeline": {
        "transformer": diffusers.Flux2Transformer2DModel,
        "vae": diffusers.AutoencoderKLFlux2,
        "text_encoder": transformers.Qwen3ForCausalLM,
    },
}


def empty(pipeline: str, part: str, config: dict) -> torch.nn.Module:
    """A part without memory for its weights."""
    kind = _PARTS[pipeline][part]
    with torch.device("meta"):
        return kind(kind.config_class(**config)) if part.startswith("text") else kind.from_config(config)


def _write_weights(file: Path, network: torch.nn.Module) -> None:
    """A .safetensors file with the names and shapes of a network, in bfloat16; tied weights are stored once."""
    tied = dict(network.named_parameters(remove_duplicate=False)).keys() - dict(network.named_parameters()).keys()
    header: dict[str, dict] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in network.state_dict().items():
        if name not in tied:
            number, kind = (2, "BF16") if tensor.is_floating_point() else (8, "I64")
            begin, end = end, end + number * tensor.numel()
            header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    noise = (0.02 * torch.randn(min(end // 2, 1 << 23))).bfloat16().view(torch.uint8).numpy().tobytes()
    with file.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text + noise)
        stream.truncate(8 + len(text) + end)
        for name, facts in header.items():
            if name.endswith("running_var"):  # a variance is positive
                begin, end = facts["data_offsets"]
                stream.seek(8 + len(text) + begin)
                stream.write(torch.ones((end - begin) // 2).bfloat16().view(torch.uint8).numpy().tobytes())
