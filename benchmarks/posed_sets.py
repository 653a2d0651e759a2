"""Sets of photos whose poses and depths are known, for the benchmark of several photos."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from kitchen import data_folder
from torch import Tensor

from vistadream.core import Camera, Scene, SparsePoints, View
from vistadream.formats.nerfstudio import OPENCV_FROM_OPENGL


@dataclass(frozen=True)
class PosedSet:
    """Photos with their true cameras and depths."""

    name: str
    photos: Sequence[View]
    """With true cameras; without depth. Registration sees them at this size."""
    depths: Sequence[Tensor]
    """Measured z in meters at `size`; 0 where unknown."""
    size: tuple[int, int]
    """Width and height at which depth is measured and the scene is made."""
    held_out: tuple[int, ...]
    """Photos that a scene is compared with, and not made from."""
    focal_known: bool
    """Whether registration is given the focal length."""
    steps: int
    """Steps of the fit."""

    def at_size(self, scene: Scene) -> Scene:
        """A registered scene whose pictures and points have `size`."""
        views, points = [], scene.points or SparsePoints.empty()
        for view in scene.views:
            rgb = cv2.resize(view.rgb.numpy(), self.size, interpolation=cv2.INTER_AREA)
            everything = torch.ones(self.size[1], self.size[0], dtype=torch.bool)
            views.append(
                View(view.name, view.camera.resize(*self.size), torch.from_numpy(rgb), None, *_masks(everything))
            )
        width, height = self.photos[0].camera.width, self.photos[0].camera.height
        shrunk = points.px * torch.tensor([self.size[0] / width, self.size[1] / height])
        return replace(scene, views=tuple(views), points=replace(points, px=shrunk))

    def unregistered(self) -> list[View]:
        """The photos as they come from a folder of pictures, without poses."""
        views = []
        for photo in self.photos:
            c = photo.camera
            lens = Camera(c.K, torch.eye(4), c.width, c.height)
            if not self.focal_known:
                guess = Camera.from_fov(60, c.width, c.height).fx
                lens = Camera.from_focal(guess, c.width, c.height, (c.cx, c.cy))
            views.append(replace(photo, camera=lens, focal_known=self.focal_known, pose_known=False))
        return views


def load(name: str, room_folder: Path) -> PosedSet:
    """One of the sets by its name: room, walk or kitchen."""
    return {"room": lambda: room(room_folder), "walk": walk, "kitchen": kitchen}[name]()


def room(folder: Path) -> PosedSet:
    """Twelve views of our ray-traced room, as research/render_views.py writes them."""
    facts = json.loads((folder / "transforms.json").read_text())
    K = torch.tensor([[facts["fl_x"], 0, facts["cx"]], [0, facts["fl_y"], facts["cy"]], [0, 0, 1.0]])
    rows = []
    for frame in facts["frames"]:
        pose = torch.tensor(frame["transform_matrix"]) @ OPENCV_FROM_OPENGL
        rows.append((folder / frame["file_path"], folder / frame["depth_file_path"], pose))
    photos, depths = _read(rows, K, (320, 240))
    return PosedSet("room", photos, depths, (320, 240), tuple(range(1, len(photos), 2)), False, 150)


def walk() -> PosedSet:
    """Frames of a headset walk through an office, at 360x240."""
    folder = data_folder() / "walk"
    rows = []
    for line in (folder / "poses.txt").read_text().splitlines():
        name, *numbers = line.split()
        stem = Path(name).name.split(".")[0]
        pose = torch.tensor([float(number) for number in numbers]).reshape(4, 4)
        rows.append((folder / f"{stem}.color.png", folder / f"{stem}.depth.png", pose))
    photos, depths = _read(rows, torch.from_numpy(np.loadtxt(folder / "K.txt")).float(), (360, 240))
    return PosedSet("walk", photos, depths, (360, 240), tuple(range(1, len(photos), 2)), False, 300)


def kitchen() -> PosedSet:
    """Frames of a kitchen at 320x240, by the poses that fit the pictures."""
    folder = data_folder() / "kitchen"
    rows = []
    for pose in sorted(folder.glob("*.pose_refined.txt")):
        stem = str(pose).removesuffix(".pose_refined.txt")
        files = Path(f"{stem}.color.png"), Path(f"{stem}.depth.png")
        rows.append((*files, torch.from_numpy(np.loadtxt(pose)).float()))
    photos, depths = _read(rows, torch.from_numpy(np.loadtxt(folder / "camera-intrinsics.txt")).float(), (320, 240))
    return PosedSet("kitchen", photos, depths, (320, 240), (1, 3), True, 100)


def _read(
    rows: Sequence[tuple[Path, Path, Tensor]], K: Tensor, size: tuple[int, int]
) -> tuple[list[View], list[Tensor]]:
    """Photos, and depths at a working size, from files of color, of depth in mm, and world_from_cam."""
    photos, depths = [], []
    world_from_first = rows[0][2].double()
    for i, (color, depth, world_from_cam) in enumerate(rows):
        picture = cv2.imread(str(color))[..., ::-1]
        cam_from_first = (torch.linalg.inv(world_from_cam.double()) @ world_from_first).float()
        camera = Camera(K, cam_from_first, picture.shape[1], picture.shape[0])
        rgb = torch.from_numpy(picture.copy()).float() / 255
        mm = cv2.imread(str(depth), cv2.IMREAD_UNCHANGED).astype(np.float32)
        depths.append(torch.from_numpy(cv2.resize(mm, size, interpolation=cv2.INTER_NEAREST)) / 1000)
        everything = torch.ones(camera.height, camera.width, dtype=torch.bool)
        photos.append(View(f"p{i:03d}", camera, rgb, None, *_masks(everything)))
    return photos, depths


def _masks(everything: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The masks supervise, lift and generated of a photo of which every pixel is used."""
    return everything, everything, ~everything
