"""Light, shade and sky, drawn so that brightness says nothing of distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.looks import texture_of
from train_embedded_depth.textures import TextureBank


@dataclass(frozen=True, eq=False)
class Lights:
    """A key light that casts shadows, a fill light that does not, and light from all around, for b scenes."""

    key: Float[Tensor, "b 3 1"]
    """Position of a lamp, or of the sun, very far away."""
    fill: Float[Tensor, "b 3 1"]
    """Direction towards it, unit length."""
    strengths: Float[Tensor, "b 3"]
    """Of key, fill and ambient light."""
    tints: Float[Tensor, "b 3 3"]
    """Colours of key, fill and ambient light."""
    falloff: Float[Tensor, "b 1"]
    """1: the key light fades with the square of distance; 0: it does not."""

    @staticmethod
    def draw(rng: Generator, eyes: np.ndarray, inside: bool) -> Lights:
        """Lamps in rooms, the sun or the moon outdoors."""
        count = len(eyes)
        lamp = eyes + rng.uniform((-2.5, 0.1, -2.5), (2.5, 1.2, 2.5), (count, 3))
        sun = eyes + 1e4 * _unit(rng.normal(0, 1, (count, 3)) * (1, 0.3, 1) + (0, rng.uniform(0.2, 1.5), 0))
        key = np.where(inside & (rng.random((count, 1)) < 0.8), lamp, sun)
        strengths = np.exp(rng.normal((0.6, -0.8, -0.6), 0.6, (count, 3)))
        strengths *= _moods(rng.spawn(1)[0], count)
        tints = np.clip(1 + rng.normal(0, 0.15, (count, 3, 3)), 0.3, 1.7)
        falloff = (np.abs(key - lamp).max(1, keepdims=True) == 0) * rng.uniform(0, 1, (count, 1))
        fill = _unit(rng.normal((0, 0.7, 0), 1, (count, 3)))
        return Lights(*(_tensor(x) for x in (key[..., None], fill[..., None], strengths, tints, falloff)))

    def towards_key(self, points: Float[Tensor, "b 3 p"]) -> Float[Tensor, "b 3 p"]:
        """From points to the key light; parameter 1 reaches it."""
        return self.key - points

    def irradiance(
        self,
        points: Float[Tensor, "b 3 p"],
        normals: Float[Tensor, "b 3 p"],
        shadow: Float[Tensor, "b p"],
        open_share: Float[Tensor, "b p"],
    ) -> Float[Tensor, "b 3 p"]:
        """Light that falls on surfaces, `open_share` of the ambient reaching them."""
        offset = self.towards_key(points)
        distance = offset.norm(dim=1).clamp(min=0.3)
        fade = torch.lerp(torch.ones_like(distance), 4 / distance**2, self.falloff)
        key = ((offset * normals).sum(1) / distance).clamp(min=0) * fade.clamp(max=6) * (1 - shadow)
        fill = ((self.fill * normals).sum(1) * 0.5 + 0.5) * open_share
        shares = torch.stack([key, fill, open_share], 1) * self.strengths[..., None]
        return torch.einsum("bsc,bsp->bcp", self.tints, shares)


def _moods(rng: Generator, count: int) -> Float[np.ndarray, "b 3"]:
    """Factors of key, fill and ambient light: mostly 1; harsh light with black shadows; dusk, before a brighter sky."""
    moods = np.array([[1, 1, 1], [2, 0.1, 0.15], [0.06, 0.08, 0.08]])
    return moods[rng.choice(3, count, p=[0.74, 0.14, 0.12])]


def openness(z: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """Screen-space ambient occlusion: how little the neighbours at three distances stand before a pixel."""
    disparity = (1 / z)[:, None]
    result = torch.ones_like(disparity)
    for radius in (2, 5, 10):
        around = F.avg_pool2d(F.pad(disparity, [radius] * 4, mode="replicate"), 2 * radius + 1, 1)
        excess = (around / disparity - 1).clamp(min=0)
        result = result * (1 - 1.5 * excess.clamp(max=0.35) * torch.exp(-0.7 * excess))
    return result[:, 0]


@dataclass(frozen=True, eq=False)
class Sky:
    """A gradient with clouds for each of b scenes; it is also what glossy things mirror."""

    horizon: Float[Tensor, "b 3"]
    zenith: Float[Tensor, "b 3"]
    clouds: Float[Tensor, "b 4"]
    """Texture, size, weight, and brightness compared with the sky's brightest colour."""

    @staticmethod
    def draw(rng: Generator, count: int) -> Sky:
        """Blue, grey, red and night skies."""
        level = np.exp(rng.uniform(np.log(0.05), np.log(2.5), (count, 1)))
        blue = np.array([0.35, 0.6, 1.0]) ** rng.uniform(0.2, 1.8, (count, 1))
        warm = np.array([1.0, 0.8, 0.6]) ** rng.uniform(-0.3, 1.5, (count, 1))
        texture = [texture_of(rng, str(rng.choice(["plain", "noise"], p=[0.7, 0.3]))) for _ in range(count)]
        rows = np.stack([texture, rng.uniform(0.5, 4, count), rng.uniform(0, 0.7, count), np.full(count, 1.3)], -1)
        _cover(rng.spawn(1)[0], rows)
        return Sky(_tensor(level * warm), _tensor(level * blue * rng.uniform(0.4, 1, (count, 1))), _tensor(rows))

    def radiance(self, bank: TextureBank, directions: Float[Tensor, "b 3 p"]) -> Float[Tensor, "b 3 p"]:
        """Colour seen along world directions of any length."""
        x, y, z = F.normalize(directions, dim=1).unbind(1)
        up = y.clamp(min=0)
        base = torch.lerp(self.horizon[..., None], self.zenith[..., None], up.sqrt()[:, None])
        texture, size, weight, gain = self.clouds.T[..., None]
        uv = torch.stack([x, z], -1) / ((y.abs() + 0.25) * 3 * size)[..., None]
        cloud = bank.sample(texture.long().expand_as(x), uv, torch.full_like(x, 0.02)).mT
        return torch.lerp(base, base.amax(1, keepdim=True) * gain[:, None] * cloud, weight[:, None] * cloud)


def _cover(rng: Generator, rows: Float[np.ndarray, "b 4"]) -> None:
    """Puts clouds into a third of the skies, in place."""
    for index in np.flatnonzero(rng.random(len(rows)) < 0.35):
        rows[index] = texture_of(rng, "clouds"), rng.uniform(0.25, 0.9), rng.uniform(0.5, 1), rng.uniform(0.4, 3)


def haze(rgb: Float[Tensor, "b 3 p"], z: Float[Tensor, "b p"], rng: Generator, reach_m: float) -> Tensor:
    """Air that takes on a colour of its own with distance, in a third of the scenes."""
    count = len(rgb)
    density = _tensor((rng.random((count, 1)) < 0.35) * np.exp(rng.normal(0, 0.8, (count, 1)))) / reach_m
    air = _tensor(rng.uniform(0.02, 1.2, (count, 1, 1)) * rng.uniform(0.7, 1, (count, 3, 1)))
    return torch.lerp(air.expand_as(rgb), rgb, torch.exp(-density * z.clamp(max=3 * reach_m))[:, None])


def develop(linear: Float[Tensor, "b 3 h w"], rng: Generator) -> Float[Tensor, "b 3 h w"]:
    """Exposure around the mean, then `toned`."""
    mean = linear.mean((1, 2, 3), keepdim=True).clamp(min=1e-4)
    target = _tensor(rng.uniform(0.12, 0.5, (len(linear), 1, 1, 1)))
    return toned(linear / mean * target)


def toned(exposed: Float[Tensor, "*b h w"]) -> Float[Tensor, "*b h w"]:
    """A soft shoulder and the sRGB power: pictures in [0, 1]."""
    return (exposed / (1 + 0.35 * exposed)).clamp(0, 1) ** (1 / 2.2)


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _tensor(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(x, np.float32))
