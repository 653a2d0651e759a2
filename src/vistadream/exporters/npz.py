"""Depth, confidence and cameras of the photos as one NumPy file, with the names that Depth Anything 3 gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Shaped
from torch import Tensor

from vistadream.core import ExportContext, Note, Scene, View
from vistadream.formats.files import new_file
from vistadream.ops.image.pixels import to_uint8
from vistadream.ops.views.point_cloud import has_depth

FILE = "results.npz"


@dataclass(frozen=True)
class Npz:
    """The arrays of `arrays_of` in a folder of their own."""

    place: ClassVar[Literal["export"]] = "export"
    folder: ClassVar[str] = "npz"
    names: ClassVar[tuple[str, ...]] = ("image", "depth", "conf", "extrinsics", "intrinsics")

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the file; observes a note when photos of several sizes are padded."""
        arrays = arrays_of(scene.photos)
        if len({view.rgb.shape for view in scene.photos}) > 1:
            height, width = arrays["depth"].shape[1:]
            note = f"{self.folder}/{FILE}: the photos differ in size and are padded at the right and below to "
            context.observe(f"export/{self.folder}", Note(f"{note}{width}x{height}; the padding has conf 0"))
        with new_file(target / self.folder / FILE) as draft:
            np.savez_compressed(draft, allow_pickle=False, **{name: arrays[name] for name in self.names})


@dataclass(frozen=True)
class MiniNpz(Npz):
    """The same without the pictures."""

    folder: ClassVar[str] = "mini_npz"
    names: ClassVar[tuple[str, ...]] = Npz.names[1:]


def arrays_of(photos: Sequence[View]) -> dict[str, Shaped[np.ndarray, "n ..."]]:
    """The arrays by their names; the first axis is the photo.

    `image` is uint8 n h w 3, the others are float32: `depth` n h w, camera-space z, 0 where it is unknown; `conf`
    n h w, 0 where the depth is unknown, else the confidence, and 1 when the depth model gave none; `extrinsics` n 3 4,
    the world-to-camera transform in OpenCV axes; `intrinsics` n 3 3, in pixels, with pixel centers at +0.5. Smaller
    photos are padded with 0 at the right and below, so that their intrinsics stay true.
    """
    return {
        "image": _stacked([to_uint8(view.rgb) for view in photos]),
        "depth": _stacked([_array(_depth(view)) for view in photos]),
        "conf": _stacked([_array(_confidence(view)) for view in photos]),
        "extrinsics": np.stack([_array(view.camera.cam_from_world[:3]) for view in photos]),
        "intrinsics": np.stack([_array(view.camera.K) for view in photos]),
    }


def _depth(view: View) -> Tensor:
    return has_depth(view).float() if view.z is None else view.z.where(has_depth(view), 0)


def _confidence(view: View) -> Tensor:
    known = has_depth(view).float()
    return known if view.confidence is None else known * view.confidence


def _array(values: Tensor) -> Shaped[np.ndarray, "..."]:
    return values.detach().cpu().float().numpy()


def _stacked(maps: Sequence[Shaped[np.ndarray, "_h _w ..."]]) -> Shaped[np.ndarray, "n h w ..."]:
    """Maps of several sizes as one array of the largest height and width."""
    height, width = (max(one.shape[axis] for one in maps) for axis in (0, 1))
    stacked = np.zeros((len(maps), height, width, *maps[0].shape[2:]), maps[0].dtype)
    for i, one in enumerate(maps):
        stacked[i, : one.shape[0], : one.shape[1]] = one
    return stacked
