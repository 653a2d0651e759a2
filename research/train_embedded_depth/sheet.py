"""Contact sheets: generated worlds over their disparity; and what is read from them beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from PIL import ExifTags, Image
from torch import Tensor

from train_embedded_depth.generate import Samples, generate
from train_embedded_depth.kinds import HELD_OUT, KINDS, Kind
from train_embedded_depth.textures import TextureBank
from vistadream.config import configured
from vistadream.core import Camera
from vistadream.sources.photo_view import photo_view


def sheet(
    out: Path, seed: int, names: Sequence[str] = (), count: int = 2, across: int = 4, size: tuple[int, int] = (84, 112)
) -> None:
    """Writes a picture with `count` worlds of each kind, `across` kinds side by side, those held out last."""
    bank, kinds = TextureBank.paint(seed), {**KINDS, **HELD_OUT}
    blocks = [_rows(kinds[name], seed, count, size, bank) for name in names or kinds]
    blocks += [np.zeros_like(blocks[0])] * (-len(blocks) % across)
    rows = [np.concatenate(blocks[k : k + across], 1) for k in range(0, len(blocks), across)]
    Image.fromarray(np.concatenate(rows)).save(out, quality=75)


def picture(out: Path, kind: str, seed: int, texture_seed: int, size: tuple[int, int] = (576, 768)) -> None:
    """Writes the first of five worlds of a kind as a PNG with its focal length, for 35 mm film, in EXIF."""
    samples = generate(KINDS[kind], seed, 5, size, TextureBank.paint(texture_seed))
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.FocalLengthIn35mmFilm: round(float(samples.lens.focal[0]) * 36)}
    Image.fromarray((samples.rgb[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)).save(out, exif=exif)


def _rows(kind: Kind, seed: int, columns: int, size: tuple[int, int], bank: TextureBank) -> UInt8[ndarray, "h w 3"]:
    samples = generate(kind, seed, columns, size, bank)
    pictures = (samples.rgb.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
    return np.concatenate([np.concatenate(list(row), 1) for row in (pictures, _disparity(samples.z, samples.sky))])


def readings(out: Path, seed: int, size: tuple[int, int] = (168, 224)) -> None:
    """Writes a JPEG with a row for each kind: picture, true disparity, that of the layout, of the network, of both."""
    bank = TextureBank.paint(seed)
    rows = [read_row(generate(kind, seed, 1, size, bank)) for kind in {**KINDS, **HELD_OUT}.values()]
    Image.fromarray(np.concatenate(rows)).save(out, quality=80)


def read_row(samples: Samples) -> UInt8[ndarray, "h w 3"]:
    """The first picture and four disparities of it, side by side."""
    rgb = samples.rgb[0].permute(1, 2, 0).contiguous()
    height, width = rgb.shape[:2]
    cx, cy = (samples.lens.center[0] * width).tolist()
    camera = Camera.from_focal(float(samples.lens.focal[0]) * width, width, height, (cx, cy))
    none = torch.zeros(height, width, dtype=torch.bool)
    (both,) = configured("backends/depth=embedded")([photo_view(camera, rgb, focal_known=True)])
    alone = {source.name: source.z for source in both.sources}
    found = ((samples.z[0], samples.sky[0]), (alone["layout"], none), (alone["network"], both.sky), (both.z, both.sky))
    z, skies = (torch.stack(maps) for maps in zip(*found, strict=True))
    return np.concatenate([(rgb.numpy() * 255).astype(np.uint8), *_disparity(z, skies)], 1)


def _disparity(z: Float[Tensor, "b h w"], sky: Bool[Tensor, "b h w"]) -> UInt8[ndarray, "b h w 3"]:
    """Near red, far blue, sky black."""
    disparity = 1 / z
    near = torch.quantile(disparity.flatten(1), 0.98, dim=1)[:, None, None]
    levels = ((disparity / near).clamp(0, 1) ** 0.5 * 255).to(torch.uint8).numpy()
    colors = np.stack([cv2.applyColorMap(level, cv2.COLORMAP_TURBO)[..., ::-1] for level in levels])
    return np.where(sky.numpy()[..., None], 0, colors).astype(np.uint8)
