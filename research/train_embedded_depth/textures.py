"""A bank of small procedural tiles: what surfaces of rooms, streets and land are printed with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator, default_rng
from torch import Tensor

SIZE = 64
"""Texels along each side of a tile."""
VARIANTS = 24
"""Tiles of each family."""


def fractal(rng: Generator, slope: float, stretch: float = 1.0) -> Float[ndarray, "s s"]:
    """Periodic noise in [0, 1] whose amplitude falls as frequency^-slope, as in natural images."""
    fy, fx = np.meshgrid(np.fft.fftfreq(SIZE), np.fft.rfftfreq(SIZE), indexing="ij")
    frequency = np.hypot(fy * stretch, fx / stretch)
    frequency[0, 0] = np.inf
    phase = np.exp(2j * np.pi * rng.random(frequency.shape))
    wave = np.fft.irfft2(phase * frequency**-slope, (SIZE, SIZE))
    return np.clip(0.5 + wave / (4 * wave.std() + 1e-9), 0, 1)


def _palette(rng: Generator, grey: Float[ndarray, "s s"], contrast: float = 1.0) -> Float[ndarray, "s s 3"]:
    """Grey values through a ramp of two or three random colours."""
    stops = rng.random((3, 3)) ** rng.uniform(0.5, 2)
    mean = stops.mean(0)
    stops = mean + contrast * (stops - mean)
    x = grey[..., None] * 2
    return np.where(x < 1, stops[0] + x * (stops[1] - stops[0]), stops[1] + (x - 1) * (stops[2] - stops[1]))


def _near_white(rng: Generator, grey: ndarray, contrast: float) -> ndarray:
    """Grey values as a slight change of brightness, so that the surface's tint stays what it is."""
    return np.repeat(1 - contrast * (1 - grey)[..., None] * rng.uniform(0.6, 1, 3), 3, -1)[..., :3]


def plain(rng: Generator) -> ndarray:
    return _near_white(rng, fractal(rng, 1.5), rng.uniform(0, 0.25))


def noise(rng: Generator) -> ndarray:
    return _palette(rng, fractal(rng, rng.uniform(0.8, 1.8)))


def speckle(rng: Generator) -> ndarray:
    return _palette(rng, fractal(rng, rng.uniform(0, 0.6)), 0.5)


def fabric(rng: Generator) -> ndarray:
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE * 2 * np.pi
    weave = 0.5 + 0.25 * np.sin(rng.integers(4, 16) * x) + 0.25 * np.sin(rng.integers(4, 16) * y)
    return _near_white(rng, 0.5 * weave + 0.5 * fractal(rng, 1), rng.uniform(0.1, 0.6))


def wood(rng: Generator) -> ndarray:
    grain = _near_white(rng, fractal(rng, 1.2, stretch=4), rng.uniform(0.2, 0.8))
    boards = np.repeat(rng.uniform(0.6, 1, 8), SIZE // 8)[:, None, None] if rng.random() < 0.6 else 1.0
    return grain * boards * np.array([1.0, rng.uniform(0.6, 0.9), rng.uniform(0.3, 0.7)])


def stripes(rng: Generator) -> ndarray:
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE * 2 * np.pi
    wave = np.sin(rng.integers(1, 8) * x + (rng.integers(1, 8) * y if rng.random() < 0.3 else 0))
    return _palette(rng, (wave > rng.uniform(-0.7, 0.7)) * 1.0)


def _grid(rng: Generator, rows: int, columns: int, joint: float, shift: bool) -> tuple[ndarray, ndarray]:
    """The cell number of each texel, and whether it lies in a joint."""
    v, u = np.mgrid[:SIZE, :SIZE] / SIZE
    row = np.floor(v * rows)
    u = (u * columns + (0.5 * (row % 2) if shift else 0)) % columns
    inside = (v * rows % 1 > joint) & (u % 1 > joint)
    cell = (row * columns + np.floor(u)).astype(int) % (rows * columns)
    return cell, ~inside


def tiles(rng: Generator) -> ndarray:
    rows = int(rng.integers(2, 9))
    columns = rows if rng.random() < 0.6 else max(1, rows // 2)
    cell, joint = _grid(rng, rows, columns, 0.1, bool(rng.random() < 0.4))
    shade = 1 - rng.uniform(0, 0.5) * rng.random((rows * columns, 1))
    return np.where(joint[..., None], rng.uniform(0.2, 1), shade[cell] * np.ones(3))


def poster(rng: Generator) -> ndarray:
    """A collage: soft ground, then rectangles, discs and lines in strong colours."""
    canvas = np.ascontiguousarray(_palette(rng, fractal(rng, 1.6)), np.float32)
    for _ in range(rng.integers(2, 10)):
        fill = rng.random(3).tolist()
        a, b = rng.integers(0, SIZE, 2).tolist(), rng.integers(0, SIZE, 2).tolist()
        shape = rng.integers(4)
        if shape == 0:
            cv2.rectangle(canvas, a, b, fill, -1)
        elif shape == 1:
            cv2.circle(canvas, a, int(rng.integers(2, SIZE // 3)), fill, -1)
        elif shape == 2:
            cv2.line(canvas, a, b, fill, int(rng.integers(1, 5)))
        else:
            axes = rng.integers(3, SIZE // 2, 2).tolist()
            cv2.ellipse(canvas, a, axes, float(rng.uniform(0, 180)), 0, 360, fill, -1)
    return canvas


def text(rng: Generator) -> ndarray:
    """Lines of short strokes on a ground of the opposite brightness."""
    canvas = np.ones((SIZE, SIZE, 3)) * rng.random(3)
    ink = 1 - canvas[0, 0] if rng.random() < 0.8 else rng.random(3)
    height = int(rng.integers(2, 9))
    for top in range(2, SIZE - height, 2 * height):
        strokes = rng.random(SIZE) < rng.uniform(0.4, 0.8)
        strokes[int(rng.uniform(0.5, 1) * SIZE) :] = False
        canvas[top : top + height, strokes] = ink
    return canvas


def facade(rng: Generator) -> ndarray:
    """Windows in a wall, some lit."""
    rows, columns = int(rng.integers(2, 7)), int(rng.integers(2, 7))
    cell, frame = _grid(rng, rows, columns, float(rng.uniform(0.25, 0.6)), False)
    wall = _near_white(rng, fractal(rng, 1.3), 0.4) * rng.uniform(0.3, 1, 3)
    pane = rng.random(3) * rng.uniform(0.05, 1) * np.ones((rows * columns, 1))
    lit = rng.random(rows * columns) < rng.choice([0.0, 0.3])
    pane[lit] = np.array([1.0, 0.9, 0.6]) * rng.uniform(0.5, 1)
    return np.where(frame[..., None], wall, pane[cell])


def books(rng: Generator) -> ndarray:
    """Spines of many colours in a few rows."""
    rows = int(rng.integers(1, 6))
    canvas = np.zeros((SIZE, SIZE, 3))
    for row in range(rows):
        top, bottom = row * SIZE // rows, (row + 1) * SIZE // rows
        x = 0
        while x < SIZE:
            width = int(rng.integers(1, 6))
            head = top + int(rng.uniform(0.05, 0.4) * (bottom - top))
            canvas[head : bottom - 1, x : x + width] = rng.random(3) ** 1.5
            x += width
    return canvas


def foliage(rng: Generator) -> ndarray:
    green = np.array([rng.uniform(0.2, 1), rng.uniform(0.4, 1), rng.uniform(0.1, 0.6)])
    return (0.15 + 0.85 * fractal(rng, rng.uniform(0.2, 0.9))[..., None] ** 2) * green


def land(rng: Generator) -> ndarray:
    first, second = rng.random(3) ** 0.7, rng.random(3) ** 0.7
    patch = fractal(rng, 1.4)[..., None]
    return (patch * first + (1 - patch) * second) * (0.5 + 0.5 * fractal(rng, 0.3)[..., None])


def panels(rng: Generator) -> ndarray:
    """Doors and fronts of cupboards: frames, panels, handles."""
    canvas = np.ones((SIZE, SIZE, 3), np.float32) * rng.uniform(0.7, 1)
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    h, w = SIZE // rows, SIZE // columns
    for y in range(0, SIZE - h + 1, h):
        for x in range(0, SIZE - w + 1, w):
            cv2.rectangle(canvas, (x, y), (x + w - 1, y + h - 1), [rng.uniform(0, 0.5)] * 3, 1)
            cv2.line(canvas, (x + w - 6, y + h // 3), (x + w - 6, y + h // 2), rng.random(3).tolist(), 2)
    return canvas


def window(rng: Generator) -> ndarray:
    """A view of bright or dark outdoors behind bars, or blinds."""
    if rng.random() < 0.3:
        return np.ones((SIZE, SIZE, 3)) * (np.arange(SIZE) % 4 < 2)[:, None, None] * rng.uniform(0.4, 1)
    horizon = int(rng.uniform(0.3, 0.9) * SIZE)
    canvas = np.ones((SIZE, SIZE, 3)) * rng.uniform(0.0, 1, 3)
    canvas[horizon:] = foliage(rng)[horizon:]
    bars = int(rng.integers(1, 4)) * 2
    _, frame = _grid(rng, bars, max(1, bars // 2), 0.1, False)
    return np.where(frame[..., None], rng.uniform(0, 1), canvas)


def crust(rng: Generator) -> ndarray:
    """Baked, roasted or rusty: brown with dark and light patches."""
    brown = np.array([0.85, rng.uniform(0.5, 0.7), rng.uniform(0.2, 0.4)])
    return brown * (0.25 + 0.75 * fractal(rng, 1.0)[..., None]) ** np.array([0.5, 1, 1.4])


def fur(rng: Generator) -> ndarray:
    """Patches of two or three natural colours with fine strands."""
    coats = np.array([[0.95, 0.93, 0.9], [0.1, 0.09, 0.08], [0.7, 0.42, 0.2], [0.45, 0.4, 0.36]])
    first, second = coats[rng.permutation(4)[:2]]
    patch = np.clip(0.5 + rng.uniform(2, 12) * (fractal(rng, 1.8) - rng.uniform(0.3, 0.7)), 0, 1)[..., None]
    return (patch * first + (1 - patch) * second) * (0.7 + 0.3 * fractal(rng, 0.5, stretch=3)[..., None])


def bricks(rng: Generator) -> ndarray:
    """Courses of bricks or ashlar."""
    rows = int(rng.integers(6, 16)) // 2 * 2
    cell, joint = _grid(rng, rows, rows // 2, 0.15, True)
    shade = rng.uniform(0.55, 1, (rows * rows // 2, 1))
    stone = np.array([rng.uniform(0.5, 0.9), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.6)])
    return np.where(joint[..., None], rng.uniform(0.3, 0.9), shade[cell] * stone)


def waves(rng: Generator) -> ndarray:
    """Water: long ripples across."""
    return _near_white(rng, fractal(rng, rng.uniform(0.8, 1.5), stretch=3), rng.uniform(0.1, 0.7))


def clouds(rng: Generator) -> ndarray:
    """White heaps or veils; what is black lets the sky through."""
    heap = np.clip((fractal(rng, rng.uniform(1.2, 1.9)) - rng.uniform(0.3, 0.6)) * rng.uniform(1.5, 5), 0, 1)
    return heap[..., None] * rng.uniform(0.8, 1, 3)


_PAINTERS: tuple[Callable[[Generator], ndarray], ...] = (
    plain, noise, speckle, fabric, wood, stripes, tiles, poster, text, facade, books, foliage, land, panels, window,
    crust, fur, bricks, waves, clouds,
)  # fmt: skip
FAMILIES = tuple(painter.__name__ for painter in _PAINTERS)


@dataclass(frozen=True, eq=False)
class TextureBank:
    """All tiles, at three sizes against aliasing."""

    mips: tuple[Float[Tensor, "n s s 3"], ...]

    @staticmethod
    def paint(seed: int, device: torch.device | str = "cpu") -> TextureBank:
        """A bank that the seed alone decides."""
        rng = default_rng(seed)
        tiles = np.stack([np.clip(p(rng), 0, 1) for p in _PAINTERS for _ in range(VARIANTS)]).astype(np.float32)
        sizes = (SIZE, SIZE // 4, SIZE // 16)
        mips = [tiles.reshape(len(tiles), s, SIZE // s, s, SIZE // s, 3).mean((2, 4)) for s in sizes]
        return TextureBank(tuple(torch.from_numpy(m).to(device) for m in mips))

    def sample(
        self, tile: Int[Tensor, "*n"], uv: Float[Tensor, "*n 2"], footprint: Float[Tensor, "*n"]
    ) -> Float[Tensor, "*n 3"]:
        """Colours at tile coordinates (period 1) for pixels that cover `footprint` of a tile."""
        colors = [self._nearest(mip, tile, uv) for mip in self.mips]
        level = torch.log2((footprint * SIZE).clamp(1, 250)) / 2
        result = torch.lerp(colors[0], colors[1], level.clamp(0, 1)[..., None])
        return torch.lerp(result, colors[2], (level - 1).clamp(0, 1)[..., None])

    @staticmethod
    def _nearest(mip: Tensor, tile: Tensor, uv: Tensor) -> Tensor:
        size = mip.shape[1]
        index = (uv * size).floor().long() % size
        return mip[tile, index[..., 1], index[..., 0]]
