"""How true is a picture from a place where no photo was taken? One number for each way in which it can be wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from explore_worlds import SKY_M, Look
from torch import Tensor

from vistadream.ops.evaluation.metrics import psnr, ssim
from vistadream.ops.image.pixels import to_uint8

_PAINTED_ON = 0.1
_FEWEST = 0.02
"""Of fewer pixels than this share no picture quality is measured."""
_LINE_PX = 24
_REACH_PX = 5
"""A line is looked for within this distance from where it should be."""


@dataclass(frozen=True)
class Shown:
    """What a contender shows at a camera."""

    rgb: Tensor
    """Over mid-gray where nothing is shown."""
    z: Tensor
    """Meters; 0 where there is none."""
    hole: Tensor
    stretched: Tensor


def measures(shown: Shown, look: Look) -> dict[str, float]:
    """All measures of a picture; NaN for one that has too few pixels to be taken."""
    parts = {"seen": look.seen, "unseen": look.unseen}
    quality = {f"{part} {name}": value for part, mask in parts.items() for name, value in _quality(shown, look, mask)}
    solid = (look.z < SKY_M / 2) & ~shown.hole & (shown.z > 0)
    off = (shown.z / look.z - 1).abs() > _PAINTED_ON
    bend, lost = bent_lines(shown.rgb, look.rgb)
    return quality | {
        "holes": _share(shown.hole),
        "stretched": _share(shown.stretched & ~shown.hole),
        "painted on": float((off & solid).sum() / solid.sum().clamp(min=1)),
        "bend px": bend,
        "lines lost": lost,
    }


def _quality(shown: Shown, look: Look, mask: Tensor) -> list[tuple[str, float]]:
    if _share(mask) < _FEWEST:
        return [("psnr", math.nan), ("ssim", math.nan), ("gms", math.nan)]
    inside = torch.where(mask[..., None], shown.rgb, look.rgb)  # windows see the truth outside of the mask
    return [
        ("psnr", psnr(shown.rgb, look.rgb, mask)),
        ("ssim", ssim(inside, look.rgb, mask)),
        ("gms", gradient_similarity(inside, look.rgb, mask)),
    ]


def gradient_similarity(rgb: Tensor, truth: Tensor, mask: Tensor) -> float:
    """Mean over the mask of the gradient magnitude similarity (Xue et al. 2014, equation 4), of gray in [0, 1]."""
    c = 170 / 255**2
    a, b = (_slopes(picture) for picture in (rgb, truth))
    return float(((2 * a * b + c) / (a * a + b * b + c))[mask].mean())


def _gray(rgb: Tensor) -> Tensor:
    return rgb @ rgb.new_tensor([0.299, 0.587, 0.114])


def _slopes(rgb: Tensor) -> Tensor:
    """Magnitude of the gradient by Prewitt's filters."""
    prewitt = torch.tensor([[1.0, 0, -1]] * 3) / 3
    filters = torch.stack([prewitt, prewitt.T])[:, None]
    gradient = F.conv2d(F.pad(_gray(rgb)[None, None], [1] * 4, mode="replicate"), filters)[0]
    return gradient.square().sum(0).sqrt()


def bent_lines(rgb: Tensor, truth: Tensor) -> tuple[float, float]:
    """How far lines that are straight in the truth bend in a picture: the median, in pixels; and the share not found.

    At points along each straight edge of the truth the strongest edge across it is looked for; what is left of its
    offsets after a straight line was fitted to them is the bend. An edge that is weak at many of its points is lost.
    """
    found, bends = _lines(truth), []
    picture = _gray(rgb).numpy()
    reference = _gray(truth).numpy()
    for line in found:
        bend = _bend(picture, reference, line)
        if bend is not None:
            bends.append(bend)
    if not len(found):
        return math.nan, math.nan
    return (float(np.median(bends)) if bends else math.nan), 1 - len(bends) / len(found)


def _lines(truth: Tensor) -> np.ndarray:
    """Straight edges "n 4" of a picture (von Gioi et al. 2010), as x, y of both ends in pixels."""
    lines = cv2.createLineSegmentDetector().detect(cv2.cvtColor(to_uint8(truth), cv2.COLOR_RGB2GRAY))[0]
    lines = np.zeros((0, 4)) if lines is None else lines[:, 0]
    return lines[np.hypot(*(lines[:, 2:] - lines[:, :2]).T) >= _LINE_PX]


def _bend(picture: np.ndarray, reference: np.ndarray, line: np.ndarray) -> float | None:
    offsets = np.arange(-_REACH_PX, _REACH_PX + 0.25, 0.5)
    wanted = _steps_across(reference, line, offsets)[:, len(offsets) // 2]
    steps = _steps_across(picture, line, offsets)
    best = steps.argmax(1)
    found = steps.max(1) > 0.4 * np.median(wanted)
    if found.mean() < 0.6:
        return None
    along = np.linspace(-1, 1, len(steps))[found]
    across = offsets[best[found]]
    return float(np.sqrt(np.mean((across - np.polyval(np.polyfit(along, across, 1), along)) ** 2)))


def _steps_across(gray: np.ndarray, line: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Steps of gray "points offsets" across a line, at points along it."""
    start, end = line[:2], line[2:]
    along = end - start
    length = np.hypot(*along)
    normal = np.array([-along[1], along[0]]) / length
    share = np.linspace(0.05, 0.95, int(length / 2))
    points = start + share[:, None] * along
    places = points[:, None] + offsets[None, :, None] * normal
    sides = [np.moveaxis((places + side * normal).astype(np.float32), -1, 0) for side in (0.5, -0.5)]
    ahead, behind = (cv2.remap(gray, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for x, y in sides)
    return np.abs(ahead - behind)


def _share(mask: Tensor) -> float:
    return float(mask.float().mean())
