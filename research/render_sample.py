"""Renders the project's sample, a ray-traced room with known camera and depth.

Run `python research/render_sample.py --out src/vistadream/assets`; the committed sample took nine minutes of CPU time.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import ExifTags, Image
from sample_room.denoise import denoise
from sample_room.room import FOCAL_35MM, eye, room
from sample_room.tracer import Eye, trace, z_depth


@dataclass(frozen=True)
class Options:
    """What to render. The committed sample is the default."""

    out: Path
    """Folder for sample.png, sample_depth.png and sample_camera.json."""
    width: int = 768
    height: int = 576
    samples: int = 192
    """Light paths per pixel."""
    seed: int = 1


def main(options: Options) -> None:
    solids, surfaces, lights = room()
    camera = eye(options.width, options.height)
    light, variance, color, normal = trace(solids, surfaces, lights, camera, options.samples, options.seed)
    z = z_depth(solids, camera)
    write(options.out, develop(denoise(light, variance, color, normal, z)), z, camera)


def develop(light: np.ndarray, exposure: float = 1.25, white: float = 4.0) -> np.ndarray:
    """Linear radiance to 8-bit sRGB: extended Reinhard tone curve (Reinhard et al. 2002), then IEC 61966-2-1."""
    x = light * exposure
    tone = np.clip(x * (1 + x / white**2) / (1 + x), 0, 1)
    encoded = np.where(tone <= 0.0031308, 12.92 * tone, 1.055 * tone ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


def write(folder: Path, picture: np.ndarray, z: np.ndarray, camera: Eye) -> None:
    """The picture with its focal length in EXIF, the depth as 16-bit millimetres, the camera as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.FocalLengthIn35mmFilm: FOCAL_35MM}
    Image.fromarray(picture).save(folder / "sample.png", optimize=True, exif=exif)
    Image.fromarray(np.round(z * 1000).astype(np.uint16)).save(folder / "sample_depth.png", optimize=True)
    facts = {
        "width": camera.width,
        "height": camera.height,
        "focal_px": camera.focal,
        "fov_x_deg": math.degrees(2 * math.atan(camera.width / 2 / camera.focal)),
        "depth_unit_m": 0.001,
    }
    (folder / "sample_camera.json").write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options))
