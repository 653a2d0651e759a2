"""A picture file becomes the first View."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import torch
from PIL import Image

from vistadream.core import Camera, Note, Observer, Scene, UserError, View
from vistadream.formats.picture import PictureFacts, read_picture
from vistadream.ops.image.pixels import Fit, fit_resolution, focal_px_from_35mm, is_lens, resample


@dataclass(frozen=True)
class Load:
    """Reads `image` upright in sRGB, at a working resolution that never enlarges and never stretches."""

    image: str
    max_resolution: int
    """Long side of the working picture in pixels, at most."""
    multiple: int
    """Working sides are multiples of this; the surplus is cropped evenly."""
    focal_px: float | None
    """Focal length in pixels of the source picture; None: EXIF's, else `fov_x_deg`."""
    principal_px: Sequence[float] | None
    """Principal point (x, y) in pixels of the source picture; None: its centre."""
    fov_x_deg: float
    """Horizontal field of view to begin with when nothing is known; a depth model may replace it."""

    def __post_init__(self) -> None:
        if self.multiple < 1 or self.max_resolution < 4 * self.multiple:
            raise ValueError(
                f"Load.max_resolution: got {self.max_resolution} with multiple {self.multiple}; wanted multiple >= 1 "
                f"and at least {4 * max(self.multiple, 1)} pixels"
            )
        if self.focal_px is not None and not self.focal_px > 0:
            raise ValueError(
                f"Load.focal_px (camera.focal_px): got {self.focal_px}; wanted a positive number of pixels"
            )
        if self.principal_px is not None and (len(self.principal_px) != 2 or not all(map(isfinite, self.principal_px))):
            raise ValueError(
                f"Load.principal_px (camera.principal_px): got {self.principal_px}; wanted [x, y] in pixels"
            )
        if not 5 <= self.fov_x_deg <= 150:
            raise ValueError(f"Load.fov_x_deg (camera.fov_x_deg): got {self.fov_x_deg}; wanted 5 to 150 degrees")

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        picture, facts = read_picture(Path(os.path.expanduser(self.image)))
        for remark in facts.remarks:
            observe("load/metadata", Note(f"{self.image}: {remark}", "warning"))
        fit = self._fit(picture)
        rgb = resample(picture, fit)
        camera, focal_known, source = self._camera(picture, facts, fit)
        everywhere = torch.ones(fit.height, fit.width, dtype=torch.bool)
        view = View("input", camera, rgb, None, everywhere, everywhere, ~everywhere, focal_known)
        observe("load/size", Note(f"{picture.width}x{picture.height} pixels read, working at {fit.width}x{fit.height}"))
        observe("load/focal", Note(f"focal length {camera.fx:.0f} px at working size, from {source}"))
        observe("load/input", view)
        return scene.with_views(view)

    def _fit(self, picture: Image.Image) -> Fit:
        try:
            return fit_resolution(picture.width, picture.height, self.max_resolution, self.multiple)
        except ValueError as error:
            raise UserError(
                f"{self.image} is too small or too narrow: {error}; wanted at least {self.multiple} pixels on each "
                "side: use a larger picture, crop it, or raise max_resolution"
            ) from error

    def _camera(self, picture: Image.Image, facts: PictureFacts, fit: Fit) -> tuple[Camera, bool, str]:
        """The working camera, whether its focal length is known, and where that came from."""
        focal, source = self.focal_px, "camera.focal_px"
        if focal is not None and not is_lens(focal, max(picture.width, picture.height)):
            raise UserError(
                f"camera.focal_px: got {focal} for a picture of {picture.width}x{picture.height} pixels; wanted "
                "a field of view of 0.1 to 170 degrees: give the focal length in pixels of the photo as it is on disk"
            )
        if focal is None:
            focal = focal_px_from_35mm(facts.focal_35mm_mm, picture.width, picture.height)
            source = "the photo's EXIF"
        known = focal is not None
        if focal is None:
            focal = Camera.from_fov(self.fov_x_deg, picture.width, picture.height).fx
            source = f"a guess of {self.fov_x_deg:g} degrees, open to the depth model"
        cx, cy = self.principal_px or (picture.width / 2, picture.height / 2)
        s, (left, top, _, _) = fit.scale, fit.box
        principal = ((cx - left) * s, (cy - top) * s)
        return Camera.from_focal(focal * s, fit.width, fit.height, principal), known, source
