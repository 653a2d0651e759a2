"""Converts FLUX.1's transformer from the tensor names of Black Forest Labs to those of diffusers.

There are three differences: modules have other names; the published files stack projections of the same input into one
tensor (query, key, value; in single blocks the MLP's first layer too); the last modulation's halves are swapped.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

_Table = dict[str, tuple[str, ...]]
_WHOLE: _Table = {
    "img_in": ("x_embedder",),
    "txt_in": ("context_embedder",),
    "time_in.in_layer": ("time_text_embed.timestep_embedder.linear_1",),
    "time_in.out_layer": ("time_text_embed.timestep_embedder.linear_2",),
    "vector_in.in_layer": ("time_text_embed.text_embedder.linear_1",),
    "vector_in.out_layer": ("time_text_embed.text_embedder.linear_2",),
    "guidance_in.in_layer": ("time_text_embed.guidance_embedder.linear_1",),
    "guidance_in.out_layer": ("time_text_embed.guidance_embedder.linear_2",),
    "final_layer.linear": ("proj_out",),
    "final_layer.adaLN_modulation.1": ("norm_out.linear",),
}
_DOUBLE: _Table = {
    "img_mod.lin": ("norm1.linear",),
    "txt_mod.lin": ("norm1_context.linear",),
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "img_attn.norm.query_norm": ("attn.norm_q",),
    "img_attn.norm.key_norm": ("attn.norm_k",),
    "txt_attn.norm.query_norm": ("attn.norm_added_q",),
    "txt_attn.norm.key_norm": ("attn.norm_added_k",),
    "img_attn.proj": ("attn.to_out.0",),
    "txt_attn.proj": ("attn.to_add_out",),
    "img_mlp.0": ("ff.net.0.proj",),
    "img_mlp.2": ("ff.net.2",),
    "txt_mlp.0": ("ff_context.net.0.proj",),
    "txt_mlp.2": ("ff_context.net.2",),
}
_SINGLE: _Table = {
    "modulation.lin": ("norm.linear",),
    "norm.query_norm": ("attn.norm_q",),
    "norm.key_norm": ("attn.norm_k",),
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
    "linear2": ("proj_out",),
}
_BLOCKS = {
    "": ("", _WHOLE),
    "double_blocks": ("transformer_blocks", _DOUBLE),
    "single_blocks": ("single_transformer_blocks", _SINGLE),
}
_NAME = re.compile(r"(?:(?P<blocks>\w+_blocks)\.(?P<index>\d+)\.)?(?P<module>.+)\.(?P<kind>weight|bias|scale)")


def in_diffusers_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under the names of diffusers, as views where possible; unknown names are kept."""
    return {name: tensor for old in tensors for name, tensor in _renamed(old, tensors[old])}


def _renamed(old: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
    found = _NAME.fullmatch(old)
    if not found or (found["blocks"] or "") not in _BLOCKS:
        return [(old, tensor)]
    blocks, table = _BLOCKS[found["blocks"] or ""]
    modules = table.get(found["module"])
    if not modules:
        return [(old, tensor)]
    prefix = f"{blocks}.{found['index']}." if blocks else ""
    kind = "bias" if found["kind"] == "bias" else "weight"
    if modules == ("norm_out.linear",):
        tensor = torch.cat(tensor.chunk(2)[::-1])
    return [
        (f"{prefix}{module}.{kind}", part) for module, part in zip(modules, _split(tensor, len(modules)), strict=True)
    ]


def _split(stacked: Tensor, parts: int) -> tuple[Tensor, ...]:
    """Splits stacked projections of one width; a fourth, that of the MLP, is four times as wide as each other one."""
    if parts == 4:
        width = len(stacked) // 7
        return stacked.split([width, width, width, len(stacked) - 3 * width])
    return stacked.chunk(parts)
