"""The scenes of benchmarks/renderer.py: Gaussians, and the camera that sees them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vistadream.assets import sample_camera, sample_depth, sample_image
from vistadream.config import configured
from vistadream.core import Camera, Gaussians, View
from vistadream.ops.gaussians.lift import lift_view

DEPTH = configured("backends/depth=embedded")

SHIFT = (0.1, 0.05, 0.05)  # m: scenes are drawn from beside the camera that they were lifted at

Seen = tuple[Gaussians, Camera]


def beside(camera: Camera) -> Camera:
    """The camera moved by SHIFT."""
    moved = camera.cam_from_world.clone()
    moved[:3, 3] += torch.tensor(SHIFT)
    return camera.at(moved)


def lifted(rgb: Tensor, z: Tensor, camera: Camera) -> Gaussians:
    """One Gaussian a pixel, as the pipeline makes them."""
    everywhere = torch.ones_like(z, dtype=torch.bool)
    view = View("view", camera, rgb, z, everywhere, everywhere, ~everywhere)
    return lift_view(view, sigma_px=0.55, thickness=0.5)


def box_room(width: int, height: int) -> Seen:
    """A bare box seen from inside, in random colours: the same on every machine."""
    camera = Camera.from_fov(70, width, height)
    rays = camera.rays()
    walls = torch.where(rays > 0, torch.tensor([2.0, 1.2, 4.0]), torch.tensor([-2.0, -1.5, -1.0])) / rays
    z = torch.where(walls > 0, walls, torch.inf).amin(-1)
    return lifted(torch.rand(height, width, 3), z, camera), beside(camera)


def sample_room(width: int, height: int) -> Seen:
    """The project's sample with its true depth."""
    rgb = cv2.imread(str(sample_image()))[..., ::-1] / np.float32(255)
    z = cv2.imread(str(sample_depth()), cv2.IMREAD_UNCHANGED) / np.float32(1000)
    small = [torch.from_numpy(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)) for image in (rgb, z)]
    camera = sample_camera().resize(width, height)
    return lifted(small[0], small[1], camera), beside(camera)


def garden(width: int, height: int) -> Seen:
    """gsplat's garden points (139k) with random sizes up to 0.02 and random opacities."""
    data = np.load(_test_data() / "garden" / "test_garden.npz")
    means, colors = torch.from_numpy(data["means3d"]).float(), torch.from_numpy(data["colors"]).float()
    pose = torch.from_numpy(data["viewmats"][0]).float()
    camera = Camera(torch.from_numpy(data["Ks"][0]).float(), pose, int(data["width"]), int(data["height"]))
    n = len(means)
    gaussians = Gaussians(means, torch.randn(n, 4), 0.02 * torch.rand(n, 3), torch.rand(n), colors / colors.max())
    return gaussians, beside(camera.resize(width, height))


def office(width: int, height: int) -> Seen:
    """The office photo, lifted by the embedded depth where that is sure of it."""
    rgb = cv2.imread(str(_test_data() / "photos" / "office.jpg"))[..., ::-1] / np.float32(255)
    rgb = torch.from_numpy(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))
    everywhere = torch.ones(height, width, dtype=torch.bool)
    view = View("office", Camera.from_fov(60, width, height), rgb, None, everywhere, everywhere, ~everywhere)
    (depth,) = DEPTH([view])
    return lifted(rgb, torch.where(depth.valid, depth.z, depth.z[depth.valid].max()), depth.camera), beside(
        depth.camera
    )


def _test_data() -> Path:
    return Path(os.environ["VISTADREAM_TEST_DATA"])


SCENES: dict[str, Callable[[int, int], Seen]] = {
    "box room": box_room,
    "sample room": sample_room,
    "garden": garden,
    "office": office,
}
