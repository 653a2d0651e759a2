"""The cameras of a COLMAP model: for a camera path, or with the pictures that they took."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float64
from torch import Tensor

from vistadream.core import Camera, UserError, natural_order
from vistadream.formats import colmap
from vistadream.formats.camera_entry import Entry, lens, numbers
from vistadream.formats.posed_frame import Frame, camera_for
from vistadream.ops.image.distortion import Distortion, Kind, distortion_of

_KINDS: dict[str, Kind] = {
    "SIMPLE_PINHOLE": "radial_tangential",
    "PINHOLE": "radial_tangential",
    "SIMPLE_RADIAL": "radial_tangential",
    "RADIAL": "radial_tangential",
    "OPENCV": "radial_tangential",
    "FULL_OPENCV": "radial_tangential",
    "SIMPLE_FISHEYE": "fisheye",
    "FISHEYE": "fisheye",
    "SIMPLE_RADIAL_FISHEYE": "fisheye",
    "RADIAL_FISHEYE": "fisheye",
    "OPENCV_FISHEYE": "fisheye",
}
"""The camera models that have some or all of OpenCV's coefficients; these follow the principal point, in its order."""

_TOLERANCE = 1e-3
"""The largest difference between the length of a quaternion and 1, which allows for rounding in a file."""


@dataclass(frozen=True, eq=False)
class PosedImage:
    """An image of a model with its camera."""

    where: str
    """The file and the name of the image, for messages."""
    image: colmap.ColmapImage
    camera: colmap.ColmapCamera | None
    """None when the folder has no file of cameras."""


def posed_images(folder: Path) -> list[PosedImage]:
    """The images of a model in the natural order of their names; UserError when a file is missing or damaged."""
    images = colmap.read_images(folder)
    suffix = colmap.suffix_of(folder)
    file = folder / f"cameras{suffix}"
    cameras = colmap.read_cameras(folder) if os.path.isfile(file) else None
    found = []
    for image in sorted(images.values(), key=lambda image: natural_order(image.name)):
        where = f"{folder / 'images'}{suffix} ({image.name.encode('utf-8', 'replace').decode()})"
        if cameras is not None and image.camera_id not in cameras:
            raise UserError(f"{where}: its camera {image.camera_id} is not in {file.name}; wanted a whole model")
        found.append(PosedImage(where, image, cameras[image.camera_id] if cameras else None))
    return found


def read_colmap(folder: Path) -> list[Entry]:
    """The cameras of the images. A lens is None when it has distortion, or when the folder has no cameras."""
    entries = []
    for each in posed_images(folder):
        pinhole = distortion = None
        if each.camera is not None and each.camera.model in _KINDS:
            pinhole, distortion = _lens(each.where, each.camera)
        entries.append(Entry(each.where, _pose(each).float(), None if distortion else pinhole))
    return entries


def frame_of(each: PosedImage, picture: Path | None, mask: Path | None) -> Frame:
    """The image with the file of its picture; UserError when there is none, or when its camera cannot be used."""
    if picture is None or each.camera is None:
        raise UserError(f"{each.where}: there is no such {'camera' if picture else 'picture'}")
    if each.camera.model not in _KINDS:
        raise UserError(f"{each.where}: its camera model is {each.camera.model}; wanted one of {', '.join(_KINDS)}")
    pinhole, distortion = _lens(each.where, each.camera)
    return Frame(picture, *camera_for(each.where, pinhole.at(_pose(each)), picture), distortion, mask)


def _lens(where: str, camera: colmap.ColmapCamera) -> tuple[Camera, Distortion | None]:
    n = 1 if colmap.MODELS[camera.model][1].startswith("f ") else 2
    focals, center, coefficients = camera.params[:n], camera.params[n : n + 2], camera.params[n + 2 :]
    pinhole = lens(where, (focals[0], focals[-1]), center, (camera.width, camera.height))
    values = numbers(f"{where}: distortion", coefficients, len(coefficients)).tolist()
    return pinhole, distortion_of(_KINDS[camera.model], values)


def _pose(each: PosedImage) -> Float64[Tensor, "4 4"]:
    numbers(f"{each.where}: translation", each.image.translation, 3)
    try:
        return colmap.pose_of(each.image, _TOLERANCE)
    except ValueError as error:
        raise UserError(f"{each.where}: {error}") from error
