"""Renders any number of views of the project's ray-traced room, with exact poses and depth.

Run `python research/render_views.py --out room12`. The folder is a nerfstudio dataset: transforms.json, images/NAME.png
and depths/NAME.png in millimeters. Twelve views of 320x240 take about six minutes of CPU time.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image
from render_sample import develop
from sample_room.denoise import denoise
from sample_room.room import FOCAL_35MM, room
from sample_room.tracer import Eye, look, trace, z_depth

_TARGET = (0.0, 0.95, 1.6)
"""The point that all cameras look at, in meters."""
_RADIUS_M = 4.1


@dataclass(frozen=True)
class Options:
    """What to render."""

    out: Path
    """A new folder for the dataset."""
    count: int = 12
    """Number of views, evenly spread on the arc."""
    arc_m: float = 1.8
    """Length of the arc from the first camera to the last."""
    width: int = 320
    height: int = 240
    samples: int = 40
    """Light paths per pixel."""
    seed: int = 1


def main(options: Options) -> None:
    solids, surfaces, lights = room()
    for folder in ("images", "depths"):
        (options.out / folder).mkdir(parents=True)
    frames = []
    for i, camera in enumerate(arc(options)):
        light, variance, color, normal = trace(solids, surfaces, lights, camera, options.samples, options.seed + i)
        z = z_depth(solids, camera)
        name = f"{i:03d}.png"
        Image.fromarray(develop(denoise(light, variance, color, normal, z))).save(options.out / "images" / name)
        Image.fromarray(np.round(z * 1000).astype(np.uint16)).save(options.out / "depths" / name)
        pose = {"transform_matrix": world_from_cam(camera).tolist()}
        frames.append({"file_path": f"images/{name}", "depth_file_path": f"depths/{name}"} | pose)
        print(f"view {i + 1} of {options.count}")
    write_transforms(options, camera.focal, frames)


def arc(options: Options) -> list[Eye]:
    """Cameras on an arc about the target, which rise and sink a little, so that they do not lie in one plane."""
    focal_px = FOCAL_35MM / 36 * max(options.width, options.height)
    cameras = []
    for i in range(options.count):
        share = i / max(1, options.count - 1)
        angle = (share - 0.5) * options.arc_m / _RADIUS_M
        height = 1.35 + 0.12 * math.sin(2 * math.pi * 1.5 * share)
        position = (_RADIUS_M * math.sin(angle), height, _TARGET[2] + _RADIUS_M * math.cos(angle))
        cameras.append(look(position, _TARGET, focal_px, options.width, options.height))
    return cameras


def world_from_cam(camera: Eye) -> np.ndarray:
    """The pose "4 4" in OpenGL axes: x right, y up, z backward."""
    pose = np.eye(4)
    pose[:3] = camera.frame.T
    return pose


def write_transforms(options: Options, focal_px: float, frames: list[dict]) -> None:
    facts = {
        "camera_model": "OPENCV",
        "fl_x": focal_px,
        "fl_y": focal_px,
        "cx": options.width / 2,
        "cy": options.height / 2,
        "w": options.width,
        "h": options.height,
        "frames": frames,
    }
    (options.out / "transforms.json").write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options))
