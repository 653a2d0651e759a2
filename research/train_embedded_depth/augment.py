"""Samples painted anew: other colours for each part, other light, lens and sensor faults. Depth stays what it is."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.cameras import Lens
from train_embedded_depth.generate import Samples


def augment(samples: Samples, rng: Generator, ease: float = 0.0) -> Samples:
    """Mirrored, repainted, relit and degraded, each at random; a share `ease` of the pictures is of clay."""
    samples = _mirrored(samples) if rng.random() < 0.5 else samples
    rgb = _calmed(samples.rgb, samples.part, rng)
    rgb = _repainted(rgb, samples.part, rng)
    rgb = _shaded(rgb, samples.normal, rng)
    rgb = torch.where(_some(rng, len(rgb), ease) > 0, _clay(samples.normal, rng), rgb)
    rgb = _under_the_sky(rgb, samples.sky, rng)
    rgb = _relit(rgb, rng)
    rgb = _toned(rgb, rng)
    rgb = _blurred(rgb, samples.z, rng)
    rgb = rgb + _tensor(rng.gamma(1, 0.015, (len(rgb), 1, 1, 1))) * torch.from_numpy(
        rng.standard_normal(rgb.shape, np.float32)
    )
    return Samples(
        _compressed(rgb.clamp(0, 1), rng), samples.z, samples.normal, samples.sky, samples.part, samples.lens
    )


def _mirrored(s: Samples) -> Samples:
    width_center = torch.stack([1 - s.lens.center[:, 0], s.lens.center[:, 1]], -1)
    normal = s.normal.flip(-1) * s.normal.new_tensor([-1, 1, 1])[:, None, None]
    lens = Lens(s.lens.focal, width_center)
    return Samples(s.rgb.flip(-1), s.z.flip(-1), normal, s.sky.flip(-1), s.part.flip(-1), lens)


def _some(rng: Generator, count: int, share: float) -> Float[Tensor, "b 1 1 1"]:
    """1 for about that share of the pictures, else 0."""
    return _tensor(rng.random((count, 1, 1, 1)) < share)


def _calmed(rgb: Tensor, part: Tensor, rng: Generator) -> Tensor:
    """Each part drawn towards its mean colour, in some pictures all the way: most real surfaces are plain."""
    b = len(rgb)
    index = part.flatten(1)[:, None].expand(-1, 3, -1)
    sums = rgb.new_zeros(b, 3, int(part.max()) + 1).scatter_add_(2, index, rgb.flatten(2))
    sizes = torch.zeros_like(sums).scatter_add_(2, index, torch.ones_like(rgb).flatten(2))
    mean = torch.gather(sums / sizes.clamp(min=1), 2, index).reshape(rgb.shape)
    return torch.lerp(rgb, mean, _tensor(rng.uniform(-0.2, 1.2, (b, 1, 1, 1)).clip(0, 1)))


def _shaded(rgb: Tensor, normal: Tensor, rng: Generator) -> Tensor:
    """More light on what faces one direction, mostly above and behind the camera."""
    b = len(rgb)
    towards = F.normalize(_tensor(rng.normal((0, -1, -0.7), 0.7, (b, 3))), dim=1)
    facing = torch.einsum("bc,bchw->bhw", towards, normal)[:, None]
    return rgb * torch.exp(facing * _tensor(rng.uniform(0, 0.8, (b, 1, 1, 1))))


def _clay(normal: Tensor, rng: Generator) -> Tensor:
    """One colour in coloured lights from three sides: shape without paint, from which a beginner learns fastest."""
    b = len(normal)
    lights = np.array([[0.8, 0, -0.3], [0, -0.8, -0.3], [-0.6, 0.3, -0.6]]) + rng.normal(0, 0.15, (b, 3, 3))
    return (0.5 + 0.5 * torch.einsum("bkc,bchw->bkhw", _tensor(lights), normal)).clamp(0, 1)


def _under_the_sky(rgb: Tensor, sky: Tensor, rng: Generator) -> Tensor:
    """Skies as they mostly are, bright and white to blue, in two thirds of the pictures."""
    b, _, h, _ = rgb.shape
    zenith = _tensor(rng.uniform((0.1, 0.3, 0.6), (0.8, 0.9, 1.0), (b, 3)))[..., None, None]
    horizon = _tensor(rng.uniform((0.6, 0.65, 0.65), 1.0, (b, 3)))[..., None, None]
    gradient = torch.lerp(zenith, horizon, torch.linspace(0, 1.5, h).clamp(max=1)[:, None])
    return torch.where(sky[:, None], torch.lerp(rgb, gradient, 0.85 * _some(rng, b, 0.67)), rgb)


def _repainted(rgb: Tensor, part: Tensor, rng: Generator) -> Tensor:
    """Every part times a colour of its own, in half of the pictures."""
    b, parts = len(rgb), int(part.max()) + 1
    value, hue = rng.normal(0, 0.45, (b, 1, parts)), rng.normal(0, 0.15, (b, 3, parts))
    gain = torch.where(_some(rng, b, 0.5)[..., 0] > 0, _tensor(np.exp(value + hue)), 1.0)
    return rgb * torch.gather(gain, 2, part.flatten(1)[:, None].expand(-1, 3, -1)).reshape(rgb.shape)


def _relit(rgb: Tensor, rng: Generator) -> Tensor:
    """Smooth light and shade over the whole picture, as a vignette or a beam makes them."""
    b, _, h, w = rgb.shape
    coarse = _tensor(rng.normal(0, 0.5, (b, 1, 4, 5)) + 0.3 * rng.normal(0, 0.5, (b, 3, 4, 5)))
    gain = torch.exp(coarse * _some(rng, b, 0.5))
    return rgb * F.interpolate(gain, (h, w), mode="bilinear", align_corners=True)


def _toned(rgb: Tensor, rng: Generator) -> Tensor:
    """White balance, saturation, exposure, contrast, now and then a negative or grey picture."""
    b = len(rgb)
    one = (b, 1, 1, 1)
    rgb = rgb * _tensor(np.exp(rng.normal(0, 0.12, (b, 3, 1, 1)) + rng.normal(0, 0.15, one)))
    rgb = rgb.clamp(0, 1) ** _tensor(np.exp(rng.normal(0, 0.25, one)))
    grey = rgb.mean(1, keepdim=True)
    rgb = grey + (rgb - grey) * _tensor(rng.uniform(0.2, 1.5, one))
    rgb = torch.where(_some(rng, b, 0.05) > 0, grey, rgb)
    mean = rgb.mean((1, 2, 3), keepdim=True)
    rgb = mean + (rgb - mean) * _tensor(rng.uniform(0.6, 1.4, one))
    return torch.where(_some(rng, b, 0.04) > 0, 1 - rgb, rgb)


def _blurred(rgb: Tensor, z: Tensor, rng: Generator) -> Tensor:
    """Out of focus before or behind some distance, or all over."""
    b = len(rgb)
    soft, softer = _smooth(rgb, 1.0), _smooth(rgb, 2.0)
    middle = torch.quantile(z[:, ::8, ::8].flatten(1), float(rng.random()), dim=1)[:, None, None, None]
    defocus = (1 - middle / z[:, None]).abs().clamp(0, 1) * _some(rng, b, 0.15) * 2
    amount = defocus + _tensor(rng.gamma(1, 0.35, (b, 1, 1, 1)))
    return torch.lerp(torch.lerp(rgb, soft, amount.clamp(0, 1)), softer, (amount - 1).clamp(0, 1))


def _smooth(rgb: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of each picture."""
    pictures = rgb.permute(0, 2, 3, 1).contiguous().numpy()
    return torch.from_numpy(np.stack([cv2.GaussianBlur(p, (0, 0), sigma) for p in pictures])).permute(0, 3, 1, 2)


def _compressed(rgb: Tensor, rng: Generator) -> Tensor:
    """Rounded to bytes, half of the pictures through JPEG."""
    pixels = np.ascontiguousarray((rgb * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    for picture in pixels:
        if rng.random() < 0.5:
            _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])
            picture[:] = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def _tensor(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(x, np.float32))
