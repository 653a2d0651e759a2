"""A vision transformer (Dosovitskiy et al. 2021) with scaled residuals (Touvron et al. 2021)."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vistadream.backends.splats.sharp.sizes import PATCH_PX, Sizes

_EPS = 1e-6


class Attention(nn.Module):
    """Attention with several heads of all tokens to all."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        query, key, value = self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class Scale(nn.Module):
    """A factor for each channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        return x * self.gamma


class Block(nn.Module):
    """Attention, then two layers on each token; both are added to what came in."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=_EPS)
        self.attn = Attention(channels, heads)
        self.ls1 = Scale(channels)
        self.norm2 = nn.LayerNorm(channels, eps=_EPS)
        fc1, fc2 = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.mlp = nn.Sequential(OrderedDict(fc1=fc1, act=nn.GELU(), fc2=fc2))
        self.ls2 = Scale(channels)

    def forward(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))


class VisionTransformer(nn.Module):
    """Reads a picture of `sizes.encoder_px` squared pixels; returns a map of its tokens."""

    def __init__(self, sizes: Sizes, early: tuple[int, ...] = ()):
        super().__init__()
        self.early, self.grid, channels = early, sizes.grid, sizes.channels
        self.cls_token = nn.Parameter(torch.zeros(1, 1, channels))
        self.pos_embed = nn.Parameter(torch.zeros(1, sizes.grid**2 + 1, channels))
        proj = nn.Conv2d(3, channels, PATCH_PX, PATCH_PX)
        self.patch_embed = nn.Sequential(OrderedDict(proj=proj))
        self.blocks = nn.ModuleList(Block(channels, sizes.heads) for _ in range(sizes.blocks))
        self.norm = nn.LayerNorm(channels, eps=_EPS)
        self.head = nn.Linear(channels, sizes.classes)

    def forward(self, pictures: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b c g g"], ...]:
        """The last map, and those after the blocks `early`."""
        squares = self.patch_embed(pictures).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(squares), -1, -1), squares], dim=1) + self.pos_embed
        kept = []
        for i, block in enumerate(self.blocks):
            tokens = block(tokens)
            if i in self.early:
                kept.append(self._map(tokens))
        return self._map(self.norm(tokens)), *kept

    def _map(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b c g g"]:
        """The tokens of the squares, without the first token, which stands for the whole picture."""
        return tokens[:, 1:].transpose(1, 2).unflatten(2, (self.grid, self.grid))
