"""A depth map from a file, written by a sensor, a renderer or another program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import DepthPrediction, UserError, View
from vistadream.core.knobs import ABOVE_0, check_ranges, require
from vistadream.formats.depth_map import read_depth_map, read_mask
from vistadream.ops.depth.resample import resample_depth

LOADER_CROP_PX = 32
"""The loader crops less than one multiple off the photo's sides; a map that differs by more is of another picture."""


@dataclass(frozen=True)
class GivenDepth:
    """Depth of the photographed pixels from one file, cropped and scaled as the loader crops and scales the photo.

    The photo and its canvas get the map in the window of the photo; all other pixels are invalid, and the stage fills
    them. Infinity, `sky_value` and `sky_mask` each mark sky. The focal length is not changed.
    """

    path: Path
    """16-bit PNG, NPY, or EXR of camera-space z; 0, negative and NaN mean invalid, infinity means sky."""
    unit_m: float
    """Meters per stored unit: 0.001 for millimeters."""
    sky_value: float | None
    """A stored number that means sky too, in the unit of the file."""
    sky_mask: Path | None
    """An 8-bit picture with the aspect ratio of the depth map; its pixels that are not black are sky."""

    def __post_init__(self) -> None:
        check_ranges(self, unit_m=ABOVE_0)
        require(self, "sky_value", self.sky_value is None or not math.isnan(self.sky_value), "a number, or null")

    def inputs(self) -> Sequence[Path]:
        return [self.path] if self.sky_mask is None else [self.path, self.sky_mask]

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """One metric prediction per view; UserError if a file does not belong to the photo."""
        stored = self._read()
        if not ((stored > 0) & stored.isfinite()).any():
            raise UserError(f"{self.path}: no pixel holds a depth; wanted positive, finite numbers outside the sky")
        return [self._predict(stored, view) for view in views]

    def _read(self) -> Float[Tensor, "H W"]:
        """z in meters: 0 where it is unknown, infinity in the sky."""
        stored = read_depth_map(self.path)
        sky = stored == torch.inf
        if self.sky_value is not None:
            sky |= stored == torch.tensor(self.sky_value, dtype=torch.float32)
        if self.sky_mask is not None:
            height, width = stored.shape
            sky |= read_mask(self.sky_mask, height, width, "sky mask", "depth map")
        return torch.where(sky, torch.inf, torch.where(stored > 0, stored * self.unit_m, 0.0))

    def _predict(self, stored: Float[Tensor, "H W"], view: View) -> DepthPrediction:
        """The map in the rectangle of the view's photographed pixels."""
        z = torch.zeros(view.camera.height, view.camera.width)
        rows, columns = _window(view)
        width, height = columns.stop - columns.start, rows.stop - rows.start
        if width and height:
            z[rows, columns] = resample_depth(self._crop_box(stored, width, height), stored, width, height)
        sky = z == torch.inf
        z, sky = torch.where(sky, 0.0, z).to(view.rgb.device), sky.to(view.rgb.device)
        return DepthPrediction(z, (z > 0) & ~sky, view.camera, is_metric=True, sky=sky)

    def _crop_box(self, stored: Tensor, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the largest central crop with the aspect ratio width : height."""
        H, W = stored.shape
        stored_per_view_px = min(W / width, H / height)
        w, h = width * stored_per_view_px, height * stored_per_view_px
        if max(W - w, H - h) >= LOADER_CROP_PX * stored_per_view_px:
            raise UserError(
                f"{self.path}: the depth map is {W}x{H}; wanted the photo's shape, {width}x{height} or a scaled one"
            )
        return (W - w) / 2, (H - h) / 2, (W + w) / 2, (H + h) / 2


def _window(view: View) -> tuple[slice, slice]:
    """Rows and columns of the rectangle of photographed pixels; empty for a novel view."""
    rows, columns = torch.nonzero(~view.generated.cpu(), as_tuple=True)
    if view.origin == "novel" or not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)
