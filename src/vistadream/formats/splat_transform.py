"""Formats that the program `splat-transform` writes: compressed PLY, SPZ, SOG, glTF and a page with a viewer.

It is a program of the PlayCanvas project for Node.js. Use version 2.7.1: version 3.7.0 gives the same results except
for SPZ, whose axes it does not change although that format has y up. Nothing here needs a network or a GPU.
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
"""Version 2.7.1 needs Node.js 18 or newer, version 3.7.0 needs 22."""
FLIGHT_S = 20
"""Duration of the viewer's flight along the camera path, one way."""


def find_splat_transform(wish: str = "this format") -> list[str]:
    """The command that starts the program: from PATH, else through npx if npm has installed it.

    Raises UserError with the command that installs it; `wish` says what it is needed for.
    """
    if program := shutil.which("splat-transform"):
        return [program]
    if npx := shutil.which("npx"):
        command = [npx, "--no-install", "--", PACKAGE]
        if subprocess.run([*command, "--version"], capture_output=True).returncode == 0:
            return command
    first = "" if shutil.which("npm") else "install Node.js 18 or newer, then "
    raise UserError(f"{wish}: splat-transform is not installed; wanted it on PATH or through npm: {first}{INSTALL}")


def write_converted(gaussians: Gaussians, path: Path, options: Sequence[str] = ()) -> Path:
    """Writes the Gaussians to `path`, whose suffix names the format, and returns it.

    Raises UserError with the output of the program when it fails, and ValueError as `write_ply`.
    """
    program = find_splat_transform()
    with TemporaryDirectory() as folder:
        source = write_ply(gaussians, Path(folder) / "scene.ply")
        command = [*program, "--quiet", "--overwrite", "--gpu", "cpu", *options, str(source), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode != 0 or not path.is_file():
        output = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        raise UserError(f"splat-transform could not write {path.suffix}: {output[-300:]}; wanted: {INSTALL}")
    return path


def write_spz(gaussians: Gaussians, path: Path) -> Path:
    """Writes SPZ version 3, which more programs can read than version 4."""
    return write_converted(gaussians, path, ["--spz-version", "3"])


def write_viewer(gaussians: Gaussians, path: Path, flight: Sequence[Camera], focus_z: float) -> Path:
    """Writes one page without network access: an interactive viewer, which plays the flight until the user moves.

    The viewer starts at the first camera of `flight`; each camera looks at the point `focus_z` ahead of it.
    """
    with TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.json"
        settings.write_text(json.dumps(viewer_settings(flight, focus_z)))
        return write_converted(gaussians, path, ["--viewer-settings", str(settings)])


def viewer_settings(flight: Sequence[Camera], focus_z: float) -> dict:
    """The settings of the viewer (SuperSplat Viewer, settings version 1).

    Its world is this project's world rotated by 180 degrees about z, so that y is up; its field of view is that of the
    longer side.
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
