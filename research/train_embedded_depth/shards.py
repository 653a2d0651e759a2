"""Samples on disk: generated once, painted anew each time they are used."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int8, UInt8
from torch import Tensor

from train_embedded_depth.cameras import Lens
from train_embedded_depth.generate import FAR_M, Samples, generate
from train_embedded_depth.kinds import HELD_OUT, KINDS
from train_embedded_depth.textures import TextureBank
from vistadream.backends.depth.network.model import STRIDE

REVISION = 5
"""Of the generator; goes into the weights' metadata. Raise it when scenes change."""
SIZES = ((96, 128), (96, 128), (96, 128), (128, 96), (112, 112), (80, 144))
"""Heights and widths, each as likely: pictures upright and lying, square and wide."""
BANKS = 8
"""Texture banks, taken in turn."""
PER_SHARD = 24


@dataclass(frozen=True, eq=False)
class Shard:
    """Pictures of one size, small in memory."""

    rgb: UInt8[Tensor, "n 3 h w"]
    log_z: Float[Tensor, "n h w"]
    """Half precision; log FAR_M in the sky."""
    normal: Int8[Tensor, "n 3 h w"]
    """In units of 1/127."""
    part: UInt8[Tensor, "n h w"]
    focal: Float[Tensor, "n"]
    center: Float[Tensor, "n 2"]

    @staticmethod
    def of(samples: Samples) -> Shard:
        """Samples that show something, packed."""
        keep = _worth_showing(samples)
        return Shard(
            (samples.rgb[keep] * 255).round().to(torch.uint8),
            torch.log(samples.z[keep]).half(),
            (samples.normal[keep] * 127).round().to(torch.int8),
            (samples.part[keep] % 256).to(torch.uint8),
            samples.lens.focal[keep],
            samples.lens.center[keep],
        )

    def halved(self) -> Shard:
        """At half the size, cut at the right and below to what the network takes."""
        height, width = (side // 2 // STRIDE * STRIDE for side in self.rgb.shape[2:])
        rgb = F.avg_pool2d(self.rgb.float(), 2).round().to(torch.uint8)
        small = [x[..., :height, :width].contiguous() for x in (rgb, *(x[..., ::2, ::2] for x in self._maps()))]
        zoom = self.rgb.shape[3] / (2 * width)
        return Shard(small[0], small[1], small[2], small[3], self.focal * zoom, self.center * zoom)

    def _maps(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.log_z, self.normal, self.part

    def samples(self, index: Tensor) -> Samples:
        """Some pictures, unpacked."""
        log_z = self.log_z[index].float()
        return Samples(
            self.rgb[index].float() / 255,
            torch.exp(log_z),
            self.normal[index].float() / 127,
            log_z > np.log(FAR_M) - 0.01,
            self.part[index].long(),
            Lens(self.focal[index], self.center[index]),
        )


def _worth_showing(samples: Samples) -> Tensor:
    """Not mostly sky, nothing at the camera's nose, not all of one depth."""
    log_z = torch.where(samples.sky, torch.nan, torch.log(samples.z)).flatten(1)
    near, middle, far = torch.nanquantile(log_z, torch.tensor([0.05, 0.3, 0.95]), dim=1)
    return (samples.sky.flatten(1).float().mean(1) < 0.7) & (near > np.log(0.2)) & (far - near > 0.2) & (middle < 5)


def make_shard(number: int, held_out: bool = False, count: int = PER_SHARD, scale: float = 1.0) -> Shard:
    """The shard of that number: its kind, shape, textures and scenes all follow from the number."""
    name, rng = _drawn(number, held_out)
    height, width = (round(side * scale / STRIDE) * STRIDE for side in SIZES[rng.integers(len(SIZES))])
    size = height, width
    return Shard.of(generate({**KINDS, **HELD_OUT}[name], int(rng.integers(2**62)), count, size, _bank(number % BANKS)))


def _drawn(number: int, held_out: bool = False) -> tuple[str, np.random.Generator]:
    """The kind of a shard, and the generator of random numbers that goes on to all else."""
    kinds = HELD_OUT if held_out else KINDS
    rng = np.random.default_rng([REVISION, number, held_out])
    weights = np.array([kind.weight for kind in kinds.values()])
    return list(kinds)[rng.choice(len(kinds), p=weights / weights.sum())], rng


_BANKS: dict[int, TextureBank] = {}


def _bank(seed: int) -> TextureBank:
    if seed not in _BANKS:
        _BANKS[seed] = TextureBank.paint(seed)
    return _BANKS[seed]


def path_of(folder: Path, number: int) -> Path:
    """Where a shard lies; the name ends with its kind."""
    return folder / f"shard_{number:06d}_{_drawn(number)[0]}.pt"


def kind_of(path: Path) -> str:
    """The kind of the worlds in a shard, from its name."""
    return path.stem.split("_", 2)[2]


def write_shard(folder: Path, number: int, count: int = PER_SHARD, scale: float = 1.0) -> None:
    """Generates a shard unless it is there; it appears whole or not at all."""
    target = path_of(folder, number)
    if target.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(f".{os.getpid()}")
    torch.save(vars(make_shard(number, count=count, scale=scale)), draft)
    draft.rename(target)


def read_shards(folder: Path, known: int = 0, without: Sequence[str] = ()) -> list[Shard]:
    """All shards of a folder by number, after the first `known`, except those of some kinds; mapped from disk."""
    if unknown := set(without) - set(KINDS):
        raise ValueError(f"no such kinds of worlds: {sorted(unknown)}; known are {sorted(KINDS)}")
    files = [file for file in sorted(folder.glob("shard_*.pt")) if kind_of(file) not in without][known:]
    return [Shard(**torch.load(file, mmap=True, weights_only=True)) for file in files]
