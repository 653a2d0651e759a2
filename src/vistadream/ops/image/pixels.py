"""Pictures as tensors: crop and size for the working resolution, focal length, resampling, masks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Shaped, UInt8
from PIL import Image
from torch import Tensor

FULL_FRAME_WIDTH_MM = 36.0
"""Width of the 35 mm film frame that EXIF's FocalLengthIn35mmFilm refers to (long side)."""


@dataclass(frozen=True)
class Fit:
    """How a source picture becomes the working picture: its central `box`, scaled to width x height."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom in source pixels, with exactly the aspect ratio of the working picture."""
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Working pixels per source pixel, the same for both axes."""
        return self.width / (self.box[2] - self.box[0])


def fit_resolution(width: int, height: int, max_resolution: int, multiple: int) -> Fit:
    """The largest working size within `max_resolution` whose sides are multiples of `multiple`.

    The picture is never enlarged or stretched: sides are rounded down and the surplus is cropped evenly, so that both
    axes have one scale. Raises ValueError when a side would become 0.
    """
    scale = min(1.0, max_resolution / max(width, height))
    w, h = (int(side * scale + 1e-6) // multiple * multiple for side in (width, height))
    if min(w, h) < multiple:
        raise ValueError(f"{width}x{height} pixels become {width * scale:.0f}x{height * scale:.0f} at this resolution")
    left, top = (width - w / scale) / 2, (height - h / scale) / 2
    return Fit((left, top, left + w / scale, top + h / scale), w, h)


def shrunk(picture: UInt8[np.ndarray, "h w 3"], long_side_px: int) -> UInt8[np.ndarray, "H W 3"]:
    """The picture with a long side of at most `long_side_px`."""
    h, w = picture.shape[:2]
    scale = long_side_px / max(h, w)
    if scale >= 1:
        return picture
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def focal_px_from_35mm(focal_35mm_mm: float | None, width: int, height: int) -> float | None:
    """Focal length in pixels of the unscaled picture, from the 35 mm equivalent in its EXIF block.

    None when there is none, or when no lens has it: 0 means unknown, and damaged files hold any number.
    """
    focal_px = (focal_35mm_mm or 0) / FULL_FRAME_WIDTH_MM * max(width, height)
    return focal_px if is_lens(focal_px, max(width, height)) else None


def is_lens(focal_px: float, width: int) -> bool:
    """Whether a picture `width` pixels wide has a field of view of 0.1 to 170 degrees; False for NaN."""
    return focal_px > 0 and 0.1 <= 2 * math.degrees(math.atan(width / 2 / focal_px)) <= 170


def resample(image: Image.Image, fit: Fit) -> Float[Tensor, "h w 3"]:
    """The working picture in [0, 1], by Lanczos resampling of exactly the fit's box."""
    scaled = image.resize((fit.width, fit.height), Image.Resampling.LANCZOS, box=fit.box)
    return from_uint8(np.asarray(scaled))


def resample_mask(mask: Bool[Tensor, "H W"], fit: Fit) -> Bool[Tensor, "h w"]:
    """The mask of the working picture: that of the nearest pixel of the fit's box."""
    left, top, _, _ = fit.box
    row, column = (torch.arange(side, device=mask.device) + 0.5 for side in (fit.height, fit.width))
    rows = (top + row / fit.scale).long().clamp(0, mask.shape[0] - 1)
    columns = (left + column / fit.scale).long().clamp(0, mask.shape[1] - 1)
    return mask[rows][:, columns]


def from_uint8(levels: Shaped[np.ndarray, "h w c"]) -> Float[Tensor, "h w c"]:
    """8-bit levels to float32 in [0, 1]."""
    return torch.from_numpy(np.array(levels, dtype=np.uint8)).float() / 255


def to_uint8(rgb: Float[Tensor, "*n c"]) -> Shaped[np.ndarray, "*n c"]:
    """[0, 1] to 8-bit levels, rounded and clipped."""
    return (rgb.detach().clamp(0, 1) * 255 + 0.5).to(torch.uint8).cpu().numpy()


def snap(rgb: Float[Tensor, "*n c"]) -> Float[Tensor, "*n c"]:
    """Colors rounded to 8-bit levels, so that an 8-bit file stores them without loss."""
    return (rgb.clamp(0, 1) * 255).round() / 255


def pad_mask(height: int, width: int, pad_y: int, pad_x: int) -> Bool[Tensor, "h w"]:
    """The mask of a border of `pad_y` and `pad_x` pixels around a height x width picture: True on the border."""
    mask = torch.ones(height + 2 * pad_y, width + 2 * pad_x, dtype=torch.bool)
    mask[pad_y : pad_y + height, pad_x : pad_x + width] = False
    return mask


def dilate(mask: Bool[Tensor, "h w"], radius_px: int) -> Bool[Tensor, "h w"]:
    """The mask dilated by a disc of the given radius, by OpenCV on the CPU."""
    size = 2 * radius_px + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return torch.from_numpy(cv2.dilate(mask.cpu().numpy().astype(np.uint8), disc).astype(bool)).to(mask.device)


def lost_detail(rgb: Float[Tensor, "h w 3"], cell_px: int) -> Float[Tensor, "h w"]:
    """Squared error, mean of RGB, of a picture that is reduced by means over squares and enlarged bilinearly."""
    h, w = rgb.shape[:2]
    padded = F.pad(rgb.permute(2, 0, 1)[None], (0, -w % cell_px, 0, -h % cell_px), mode="replicate")
    small = F.avg_pool2d(padded, cell_px)
    smooth = F.interpolate(small, size=padded.shape[2:], mode="bilinear", align_corners=False)
    return (smooth - padded)[0, :, :h, :w].square().mean(0)
