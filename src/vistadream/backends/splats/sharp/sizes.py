"""The sizes of the network."""

from __future__ import annotations

from dataclasses import dataclass

PATCH_PX = 16
"""The side of the squares that become tokens. The upsampling of the decoders belongs to it."""
LAYERS = 2
"""Gaussians in one direction: the visible surface, and what is behind it."""


@dataclass(frozen=True)
class Sizes:
    """By default those of the published weights. A smaller network has the same parts."""

    grid: int = 24
    """Tokens along each side of an encoder's picture: a multiple of 8, because neighbors overlap by a quarter."""
    channels: int = 1024
    """Of the encoders."""
    blocks: int = 24
    heads: int = 16
    early: tuple[int, int] = (5, 11)
    """Blocks of the patch encoder whose output the decoders read too."""
    classes: int = 21_841
    """Of the encoders' last layer, which is not used."""
    levels: tuple[int, int, int, int] = (256, 512, 1024, 1024)
    """Channels of the pyramid from its second level on, fine to coarse."""
    depth_channels: int = 256
    splat_channels: int = 128
    depth_features: int = 32
    splat_features: int = 32
    groups: int = 8
    """Of the normalization in the heads."""
    alignment_channels: int = 16

    @property
    def encoder_px(self) -> int:
        """The side of the picture that an encoder reads."""
        return self.grid * PATCH_PX

    @property
    def picture_px(self) -> int:
        """The side of the picture that the network reads."""
        return 4 * self.encoder_px

    @property
    def pyramid(self) -> tuple[int, ...]:
        """Channels of the five levels, fine to coarse."""
        return self.depth_channels, *self.levels


PUBLISHED = Sizes()
