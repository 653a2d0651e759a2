"""A Scene as a folder: scene.json, gaussians.ply, points of several photos, and views/: pictures, maps, cameras."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from vistadream.core import Camera, Scene, UserError, View, is_plain_name, system_error
from vistadream.formats.files import write_json
from vistadream.formats.json_file import read_json
from vistadream.formats.ply import read_ply, write_ply
from vistadream.formats.sparse_points import read_points, write_points
from vistadream.ops.image.pixels import from_uint8, to_uint8

_MASKS = ("supervise", "lift", "generated")
_MAPS = ("z", "confidence", "normals")
_POINTS = "points.safetensors"
_FACTS = ("focal_known", "pose_known", "origin", "extends", "time_s")
_DAMAGES = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, SyntaxError, UserError)
"""The exceptions that damaged files cause: RuntimeError from torch and from deep nesting, SyntaxError from Pillow."""


def save_scene(scene: Scene, folder: Path, earlier: Path | None = None) -> None:
    """Writes a Scene into a new folder. Colors are rounded to 8-bit levels.

    A file of a View that is equal to that in `earlier`, the folder of another saved Scene, becomes a hard link to it
    if the disk has hard links, so that an unchanged View takes no space.
    """
    views = folder / "views"
    views.mkdir(parents=True)
    for view in scene.views:
        _save_view(view, views)
    if earlier is not None:
        _share_equal_files(views, earlier / "views")
    write_json(folder / "scene.json", {"views": [view.name for view in scene.views], "is_metric": scene.is_metric})
    write_ply(scene.gaussians, folder / "gaussians.ply")
    if scene.points is not None:
        write_points(scene.points, folder / _POINTS)


def load_scene(folder: Path) -> Scene:
    """The Scene that `save_scene` wrote, in this version or in 0.1; UserError when its files are damaged."""
    with reading(folder):
        facts = read_json(folder / "scene.json")
        if odd := [name for name in facts["views"] if not is_plain_name(name)]:
            raise ValueError(f"scene.json names a view {odd[0]!r}; wanted a plain name, without a folder")
        views = tuple(_load_view(folder / "views", name, facts["views"][0]) for name in facts["views"])
        points = read_points(folder / _POINTS) if (folder / _POINTS).exists() else None
        return Scene(views, read_ply(folder / "gaussians.ply"), facts.get("is_metric", False), points)


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turns errors of the block, which reads files of a stage's folder, into one UserError."""
    try:
        yield
    except PermissionError as error:
        raise system_error(error) from error
    except _DAMAGES as error:
        raise UserError(
            f"{folder} is damaged ({error}); wanted the files that the stage wrote: remove that folder, and resume= "
            "makes it again"
        ) from error


def _save_view(view: View, folder: Path) -> None:
    Image.fromarray(to_uint8(view.rgb)).save(folder / f"{view.name}.rgb.png", compress_level=1)
    for mask in _MASKS:
        Image.fromarray(getattr(view, mask).cpu().numpy()).save(folder / f"{view.name}.{mask}.png")
    for name in _MAPS:
        if (values := getattr(view, name)) is not None:
            np.save(folder / f"{view.name}.{name}.npy", values.cpu().numpy(), allow_pickle=False)
    camera = view.camera
    size_and_pose = {
        "width": camera.width,
        "height": camera.height,
        "K": camera.K.tolist(),
        "cam_from_world": camera.cam_from_world.tolist(),
    }
    write_json(folder / f"{view.name}.camera.json", size_and_pose | {name: getattr(view, name) for name in _FACTS})


def _share_equal_files(folder: Path, earlier: Path) -> None:
    for file in folder.iterdir():
        twin = earlier / file.name
        if twin.is_file() and filecmp.cmp(file, twin, shallow=False):
            draft = file.with_name(f".{file.name}.link")
            with suppress(OSError):  # a disk without hard links
                os.link(twin, draft)
                os.replace(draft, file)


def _load_view(folder: Path, name: str, first: str) -> View:
    facts = read_json(folder / f"{name}.camera.json")
    camera = Camera(torch.tensor(facts["K"]), torch.tensor(facts["cam_from_world"]), facts["width"], facts["height"])
    rgb = from_uint8(_load_png(folder / f"{name}.rgb.png"))
    maps: dict[str, Any] = {m: _load_map(folder / f"{name}.{m}.npy") for m in _MAPS}
    masks: dict[str, Any] = {m: torch.from_numpy(_load_png(folder / f"{name}.{m}.png")) for m in _MASKS}
    known = {key: facts[key] for key in _FACTS if key in facts}
    return View(name, camera, rgb, **maps, **masks, **(known if "origin" in known else known | _origin_of(name, first)))


def _origin_of(name: str, first: str) -> dict[str, Any]:
    """The facts that version 0.1 did not write: its first view was the photo, and only `outpaint` a canvas."""
    if name == "outpaint":
        return {"origin": "canvas", "extends": first}
    return {"origin": "photo" if name == first else "novel"}


def _load_png(file: Path) -> np.ndarray:
    """The pixels of a PNG in any mode. Other formats are refused: Pillow runs a program to read some of them."""
    with Image.open(file, formats=("PNG",)) as picture:
        return np.array(picture)


def _load_map(file: Path) -> torch.Tensor | None:
    return torch.from_numpy(np.load(file, allow_pickle=False)) if file.exists() else None
