"""What a surface looks like: a tile of the texture bank, its size, tint, glow and gloss, all drawn hard at random."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from train_embedded_depth.textures import FAMILIES, VARIANTS

MATERIALS = ("plain", "plain", "noise", "fabric", "wood", "speckle", "stripes")
"""Families that any thing may be made of; plain ones are the most common."""


@dataclass(frozen=True)
class Look:
    """One material."""

    texture: int
    """Tile of the bank."""
    tile_m: float
    """Metres per tile; 0 stretches one tile over each face."""
    tint: tuple[float, float, float]
    """Multiplies the tile's colours."""
    glow: float = 0.0
    """Light of its own, in units of the scene's light."""
    gloss: float = 0.0
    """Share of mirrored surroundings."""

    def row(self) -> list[float]:
        """As a row of the batch's table."""
        return [self.texture, self.tile_m, *self.tint, self.glow, self.gloss]


def texture_of(rng: Generator, family: str) -> int:
    """A tile of a family."""
    return FAMILIES.index(family) * VARIANTS + int(rng.integers(VARIANTS))


def color(rng: Generator) -> tuple[float, float, float]:
    """Any colour: mostly muted, dark ones as likely as bright ones, a few strong."""
    value = float(np.exp(rng.uniform(np.log(0.04), 0.0)))
    if rng.random() < 0.4:
        value = float(rng.uniform(0.5, 1.0))
    saturation = float(rng.beta(1, 4) if rng.random() < 0.8 else rng.uniform(0.5, 1.0))
    hue = rng.uniform(0, 2 * np.pi)
    waves = 0.5 + 0.5 * np.cos(hue + np.array([0, 2.1, 4.2]))
    return tuple((value * (1 - saturation + saturation * waves)).tolist())


def look(rng: Generator, *families: str, tile_m: float | None = None, glow: float = 0.0) -> Look:
    """A material of one of the families (any by default), in any colour."""
    family = str(rng.choice(families or MATERIALS))
    tile = float(np.exp(rng.uniform(np.log(0.3), np.log(2.5)))) if tile_m is None else tile_m
    gloss = float(rng.uniform(0, 0.6)) if rng.random() < 0.2 else 0.0
    return Look(texture_of(rng, family), tile, color(rng), glow, gloss)


def near(
    rng: Generator, rgb: tuple[float, float, float], *families: str, tile_m: float | None = None, glow: float = 0.0
) -> Look:
    """A material of one of the families, mostly in about that colour, else in any."""
    found = look(rng, *families, tile_m=tile_m, glow=glow)
    if rng.random() < 0.15:
        return found
    tint = np.clip(np.array(rgb) * np.exp(rng.normal(0, 0.3)) * np.exp(rng.normal(0, 0.12, 3)), 0.01, 1)
    return replace(found, tint=tuple(tint.tolist()))


def picture(rng: Generator, *families: str, glow: float = 0.0) -> Look:
    """A tile stretched over a face in its own colours: poster, screen, window, door."""
    tint = (1.0, 1.0, 1.0) if rng.random() < 0.6 else color(rng)
    return Look(texture_of(rng, str(rng.choice(families or ("poster", "text")))), 0.0, tint, glow)
