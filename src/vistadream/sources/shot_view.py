"""A shot becomes a View at the working size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32
from PIL import Image

from vistadream.core import Camera, UserError, View
from vistadream.formats.depth_map import read_depth_map, read_mask
from vistadream.formats.picture import PictureFacts
from vistadream.ops.depth.resample import resample_depth
from vistadream.ops.image.pixels import resample, resample_mask
from vistadream.sources.lens import Lens, LensOfPhoto
from vistadream.sources.shot import Shot
from vistadream.sources.undistort import undistorted
from vistadream.sources.working_size import fitted, working_fit


@dataclass(frozen=True)
class ShotViews:
    """Makes Views of shots: pictures, cameras, masks and measured depth are straightened, cropped and scaled alike."""

    max_resolution: int
    multiple: int
    lens: Lens
    """What is known of the lens of shots that bring no camera."""

    def __call__(self, name: str, shot: Shot, picture: Image.Image, facts: PictureFacts) -> tuple[View, LensOfPhoto]:
        """The View of a shot that was read, and the lens of its full picture; UserError for maps that do not fit it."""
        lens = self._lens(shot, picture, facts)
        maps = (_mask(shot, picture), _depth(shot, picture))
        camera, levels, used, z = undistorted(replace(shot, camera=lens.camera), np.asarray(picture), *maps)
        fit = working_fit(shot.name, camera.width, camera.height, self.max_resolution, self.multiple)
        everywhere = torch.ones(fit.height, fit.width, dtype=torch.bool)
        mask = everywhere if used is None else resample_mask(torch.from_numpy(used), fit)
        view = View(
            name,
            fitted(camera, fit),
            resample(Image.fromarray(levels), fit),
            None if z is None else resample_depth(fit.box, torch.from_numpy(z), fit.width, fit.height),
            supervise=mask,
            lift=mask,
            generated=~everywhere,
            focal_known=lens.focal_known,
            pose_known=shot.pose_known,
            time_s=shot.time_s,
        )
        return view, lens

    def _lens(self, shot: Shot, picture: Image.Image, facts: PictureFacts) -> LensOfPhoto:
        width, height = picture.size
        if shot.camera is None:
            return self.lens.of_photo(width, height, facts.focal_35mm_mm)
        return LensOfPhoto(_camera_of_size(shot.name, shot.camera, width, height), True, "the input")


def _camera_of_size(name: str, camera: Camera, width: int, height: int) -> Camera:
    """The camera of a picture that was scaled; UserError where it was cropped or is another one."""
    scale = max(width / camera.width, height / camera.height)
    if max(abs(camera.width * scale - width), abs(camera.height * scale - height)) >= 2:
        raise UserError(
            f"{name} has {width}x{height} pixels, but its camera is for {camera.width}x{camera.height}; wanted the "
            "same size or a scaled one: give the picture that the camera belongs to"
        )
    return camera.resize(width, height)


def _mask(shot: Shot, picture: Image.Image) -> Bool[np.ndarray, "H W"] | None:
    if shot.mask is None:
        return None
    return read_mask(shot.mask, picture.height, picture.width, "mask", f"picture {shot.name}").numpy()


def _depth(shot: Shot, picture: Image.Image) -> Float32[np.ndarray, "H W"] | None:
    """The measured depth at the size of the picture, by the nearest pixel; 0 where it is unknown."""
    if shot.depth is None:
        return None
    z = read_depth_map(shot.depth.path).numpy() * np.float32(shot.depth.unit)
    z[~(np.isfinite(z) & (z > 0))] = 0
    return np.asarray(cv2.resize(z, picture.size, interpolation=cv2.INTER_NEAREST_EXACT), dtype=np.float32)
