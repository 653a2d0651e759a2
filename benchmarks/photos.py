"""Shared by order.py and stability.py: the photos of the test data, and the depth of each source for a photo."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from vistadream.config import configured
from vistadream.core import Camera, View
from vistadream.ops.image.pixels import fit_resolution, resample
from vistadream.sources.photo_view import photo_view

LONG_SIDE_PX, MULTIPLE, FOV_X_DEG = 512, 8, 60.0
"""Working size and assumed field of view of photos whose lens is unknown, as in conf/."""
BEYOND = 1e4
"""The z of sky: farther than all else."""


@dataclass(frozen=True)
class Photo:
    """A photo with pairs of points, [near x, near y, far x, far y] as fractions of width and height."""

    name: str
    view: View
    pairs: tuple[tuple[float, float, float, float], ...]


def data_folder() -> Path:
    """The first argument of the command, or VISTADREAM_TEST_DATA."""
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("VISTADREAM_TEST_DATA")
    if not named:
        sys.exit("the photos are missing: name their folder, or set VISTADREAM_TEST_DATA")
    return Path(named)


def view_of(picture: Image.Image) -> View:
    """The picture at the size at which the pipeline works, with a guessed lens."""
    fit = fit_resolution(picture.width, picture.height, LONG_SIDE_PX, MULTIPLE)
    camera = Camera.from_fov(FOV_X_DEG, fit.width, fit.height)
    return photo_view(camera, resample(picture, fit), focal_known=False)


def labeled_photos(folder: Path) -> Iterator[Photo]:
    """The photos that an order.json in `folder` labels."""
    for name, pairs in json.loads((folder / "order.json").read_text()).items():
        if not name.startswith("_"):
            yield Photo(name, view_of(Image.open(folder / name).convert("RGB")), tuple(map(tuple, pairs)))


def depths(view: View) -> dict[str, Float[Tensor, "h w"]]:
    """z of the blend and of each of its sources; sky is BEYOND all of them."""
    (prediction,) = configured("backends/depth=embedded")([view])
    found = {"blend": prediction.z} | {source.name: source.z for source in prediction.sources}
    sky = prediction.sky if prediction.sky is not None else torch.zeros_like(prediction.valid)
    return {name: z if name == "position" else torch.where(sky, BEYOND, z) for name, z in found.items()}
