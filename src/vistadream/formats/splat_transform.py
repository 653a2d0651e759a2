"""Formats that `splat-transform` writes for us: compressed PLY, SPZ, SOG, glTF and a page with a viewer in it.

It is a program of the PlayCanvas project for Node.js. Version 2.7.1 is the one to have; 3.7.0 was tried and does the
same, but leaves the axes of SPZ as they are, where that format wants y up. Nothing here needs a network or a GPU.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from vistadream.core import Camera, Gaussians, UserError
from vistadream.formats.ply import write_ply

PACKAGE = "@playcanvas/splat-transform"
INSTALL = f"npm install --global {PACKAGE}@2.7.1"
"""2.7.1 runs on Node.js 18 and later, 3.7.0 asks for 22."""
FLIGHT_S = 20
"""Of the viewer's flight along the camera path, one way."""


def find_splat_transform(wish: str = "this format") -> list[str]:
    """The words that start the program: from PATH, else through npx where npm has installed it.

    Raises UserError with the command that installs it; `wish` says what for.
    """
    if program := shutil.which("splat-transform"):
        return [program]
    if npx := shutil.which("npx"):
        words = [npx, "--no-install", "--", PACKAGE]
        if subprocess.run([*words, "--version"], capture_output=True).returncode == 0:
            return words
    first = "" if shutil.which("npm") else "install Node.js 18 or newer, then "
    raise UserError(f"{wish}: splat-transform is not installed; wanted it on PATH or through npm: {first}{INSTALL}")


def write_converted(gaussians: Gaussians, path: Path, options: Sequence[str] = ()) -> Path:
    """Write the Gaussians to `path`, whose ending names the format, and return it.

    Raises UserError with the program's own words when it fails, ValueError as `write_ply`.
    """
    program = find_splat_transform()
    with TemporaryDirectory() as folder:
        source = write_ply(gaussians, Path(folder) / "scene.ply")
        command = [*program, "--quiet", "--overwrite", "--gpu", "cpu", *options, str(source), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode != 0 or not path.is_file():
        said = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        raise UserError(f"splat-transform could not write {path.suffix}: {said[-300:]}; wanted: {INSTALL}")
    return path


def write_spz(gaussians: Gaussians, path: Path) -> Path:
    """As SPZ version 3, which more readers know than version 4."""
    return write_converted(gaussians, path, ["--spz-version", "3"])


def write_viewer(gaussians: Gaussians, path: Path, flight: Sequence[Camera], focus_z: float) -> Path:
    """As one page that needs no network: an interactive viewer, which flies until a hand takes the camera.

    `flight` begins where the viewer is to start; each of its cameras turns about the point `focus_z` ahead of it.
    """
    with TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.json"
        settings.write_text(json.dumps(viewer_settings(flight, focus_z)))
        return write_converted(gaussians, path, ["--viewer-settings", str(settings)])


def viewer_settings(flight: Sequence[Camera], focus_z: float) -> dict:
    """The viewer's settings (SuperSplat Viewer, settings version 1).

    Its world is ours turned by half a circle about z, so that y is up; its field of view is that of the longer side.
    """
    start = flight[0]
    half_extent = max(start.width / start.fx, start.height / start.fy) / 2
    turned = torch.tensor([-1.0, -1.0, 1.0])
    positions = torch.stack([turned * camera.center for camera in flight])
    targets = positions + torch.stack([turned * focus_z * camera.world_from_cam[:3, 2] for camera in flight])
    track = {
        **{"name": "flight", "target": "camera", "loopMode": "pingpong", "interpolation": "spline", "smoothness": 1},
        **{"duration": FLIGHT_S, "frameRate": len(flight) / FLIGHT_S},
        "keyframes": {
            "times": list(range(len(flight))),
            "values": {"position": positions.flatten().tolist(), "target": targets.flatten().tolist()},
        },
    }
    return {
        "camera": {
            "position": positions[0].tolist(),
            "target": targets[0].tolist(),
            "fov": math.degrees(2 * math.atan(half_extent)),
            "startAnim": "animTrack",
        },
        "background": {"color": [0.0, 0.0, 0.0]},
        "animTracks": [track],
    }
