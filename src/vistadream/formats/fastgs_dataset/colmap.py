"""The COLMAP model of a dataset as text: pinhole cameras, poses, and points without tracks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians
from vistadream.formats import colmap
from vistadream.formats.fastgs_dataset.layout import CAMERAS, IMAGES, POINTS, Report
from vistadream.formats.ply import SH_C0

_MOST_POINTS = 200_000
"""The largest number of points; of more Gaussians, every second, third and so on is taken."""
_UNIT = 1e-6
"""The largest difference between the length of a quaternion and 1."""


class Picture(NamedTuple):
    """One image of images.txt."""

    cam_from_world: Float[Tensor, "4 4"]
    """float64"""
    camera_id: int
    name: str


def write_model(folder: Path, cameras: Sequence[Camera], names: Sequence[str], gaussians: Gaussians) -> None:
    """Writes one camera and one image with the same id for each name, and the Gaussians as points, into a dataset."""
    lenses = [colmap.camera_of(i, camera) for i, camera in enumerate(cameras, 1)]
    images = [colmap.image_of(i, *pair) for i, pair in enumerate(zip(cameras, names, strict=True), 1)]
    colmap.write_model((folder / CAMERAS).parent, lenses, images, _points(gaussians))


def read_cameras(folder: Path, report: Report) -> dict[int, Camera]:
    """The cameras by id, at the world's origin. This and the next two functions report and skip malformed entries."""
    return dict(_checked(folder, CAMERAS, lambda *of: colmap.read_cameras(*of).values(), _pinhole, report))


def read_pictures(folder: Path, report: Report) -> list[Picture]:
    """The images in the order of the file."""
    found = _checked(folder, IMAGES, lambda *of: colmap.read_images(*of).values(), _picture, report)
    return [picture for _, picture in found]


def count_points(folder: Path, report: Report) -> int:
    """The number of well-formed points."""
    return len(_checked(folder, POINTS, lambda *of: colmap.read_points(*of).ids, lambda key: (key, None), report))


def _checked(folder: Path, file: str, read: Callable[..., Iterable], check: Callable, report: Report) -> list:
    """The results of `check` for all entries of a file; empty when the file is missing."""
    if not (folder / file).is_file():
        return []
    tell, found = partial(report, file), []
    for entry in read((folder / file).parent, tell):
        try:
            found.append(check(entry))
        except ValueError as error:
            tell(str(error))
    return found


def _points(gaussians: Gaussians) -> colmap.ColmapPoints:
    """Centers and colors of at most _MOST_POINTS Gaussians, evenly selected; nine digits hold a float32."""
    few = gaussians.detach().to("cpu").subset(torch.arange(0, len(gaussians), -(-len(gaussians) // _MOST_POINTS) or 1))
    colors = few.colors if few.colors.ndim == 2 else 0.5 + SH_C0 * few.colors[:, 0]
    xyz = np.array([float(f"{value:.9g}") for value in few.means.flatten().tolist()]).reshape(-1, 3)
    rgb = np.rint(255 * colors.clamp(0, 1).numpy()).astype(np.uint8)
    no_track = np.zeros((0, 2), dtype=np.int64)
    return colmap.ColmapPoints(np.arange(1, len(few) + 1), xyz, rgb, np.zeros(len(few)), (no_track,) * len(few))


def _pinhole(camera: colmap.ColmapCamera) -> tuple[int, Camera]:
    if camera.model != "PINHOLE":
        raise ValueError(f"camera {camera.camera_id} is of the model {camera.model}; wanted PINHOLE")
    fx, fy, cx, cy = camera.params
    K = torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    return camera.camera_id, Camera(K, torch.eye(4), camera.width, camera.height)


def _picture(image: colmap.ColmapImage) -> tuple[int, Picture]:
    try:
        pose = colmap.pose_of(image, _UNIT)
    except ValueError as error:
        raise ValueError(f"image {image.image_id}: {error}") from error
    return image.image_id, Picture(pose, image.camera_id, image.name)
