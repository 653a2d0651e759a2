"""Formats that the program `splat-transform` writes: compressed PLY, SPZ, SOG, glTF and a page with a viewer.

It is a program of the PlayCanvas project for Node.js. Use version 2.7.1: version 3.7.0 gives the same results except
for SPZ, whose axes it does not change although that format has y up. Nothing here needs a network or a GPU.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vistadream.core import Gaussians, UserError
from vistadream.formats.ply import write_ply
from vistadream.formats.viewer_limits import ViewerLimits, limit_viewer

PACKAGE = "@playcanvas/splat-transform"
INSTALL = f"npm install --global {PACKAGE}@2.7.1"
"""Version 2.7.1 needs Node.js 18 or newer, version 3.7.0 needs 22."""


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


def write_viewer(
    gaussians: Gaussians, path: Path, settings: Mapping[str, Any], limits: ViewerLimits | None = None
) -> bool:
    """Writes one page without network access: an interactive viewer, which plays its flight until the user moves.

    `settings` are those of the viewer in version 1. Returns whether the camera is kept within the limits; a viewer of
    another version may not take them.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "settings.json"
        file.write_text(json.dumps(settings))
        write_converted(gaussians, path, ["--viewer-settings", str(file)])
    return limits is None or limit_viewer(path, limits)
