"""A small world to photograph: the textured boxes, with their true cameras."""

import runpy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from vistadream.core import Camera, View

TexturedBoxes = runpy.run_path(str(Path(__file__).parents[2] / "textured_boxes.py"))["TexturedBoxes"]
LENS = TexturedBoxes(320, 240, 300.0)
camera_at, photograph = LENS.camera_at, LENS.photograph


@dataclass
class World:
    """Photos with their true cameras."""

    views: list[View]
    truth: list[Camera]

    def posed(self, move=lambda camera: camera) -> list[View]:
        """The photos with known poses, each changed by `move`."""
        return [
            replace(view, camera=move(camera), pose_known=True, focal_known=True)
            for view, camera in zip(self.views, self.truth, strict=True)
        ]


def photo(name: str, rgb: torch.Tensor) -> View:
    """A photo of which nothing is known."""
    h, w = rgb.shape[:2]
    everywhere = torch.ones(h, w, dtype=torch.bool)
    camera = Camera.from_fov(60, w, h)
    return View(name, camera, rgb, None, everywhere, everywhere, ~everywhere, focal_known=False, pose_known=False)


def world_of(cameras: list[Camera]) -> World:
    return World([photo(f"photo_{i}", photograph(camera)) for i, camera in enumerate(cameras)], cameras)


@pytest.fixture(scope="session")
def world() -> World:
    """Six photos on an arc about the boxes."""
    return world_of([LENS.camera_on_arc(angle) for angle in (-15, -9, -3, 3, 9, 15)])


@pytest.fixture(scope="session")
def scattered() -> World:
    """Four photos that overlap, and three that show other parts of the world."""
    return world_of([LENS.camera_on_arc(angle) for angle in (-9, -3, 3, 9, 70, 120, 200)])


@pytest.fixture(scope="session")
def sideways() -> World:
    """Three photos of a camera that moves to the side and never turns, which fit every focal length."""
    return world_of([camera_at(x, 0, 0, 0) for x in (-0.4, 0.0, 0.45)])


@pytest.fixture(scope="session")
def turning() -> World:
    """Four photos of a camera that turns on the spot."""
    return world_of([camera_at(0, 0, 0, angle) for angle in (-9, -3, 3, 9)])
