"""One picture of a finished run: what went in, its canvas and depth, and views from the flight through the scene.

python tools/contact_sheet.py outputs/photo/DATE sheet.jpg
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from vistadream.commands import guard

if __name__ == "__main__":
    guard.begin("contact_sheet")  # before the packages below, which take seconds

import numpy as np
import torch
import tyro
from PIL import Image

from vistadream.config import compose
from vistadream.core import UserError, View
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.image.colormap import depth_colors, depth_range
from vistadream.ops.image.pixels import to_uint8
from vistadream.runs.folder import RunFolder


@dataclass(frozen=True)
class Arguments:
    """Draw a contact sheet of a finished run."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    out: Annotated[Path, tyro.conf.Positional]
    """The picture to write; JPEG, PNG or WebP."""
    columns: int = 3
    rows: int = 3
    tile_px: int = 400
    """Width of one picture."""


def draw(arguments: Arguments) -> None:
    """Three pictures of the input, then views spread over the path, in reading order."""
    folder = RunFolder(arguments.run)
    finished = folder.finished_stages()
    if not finished:
        raise UserError(f"{arguments.run} holds no finished stage; wanted a run's folder")
    scene = folder.load_stage(finished[-1])
    canvas = scene.views[min(1, len(scene.views) - 1)]
    pictures = [to_uint8(scene.view("input").rgb), to_uint8(canvas.rgb), depth_picture(canvas)]
    composed = compose([])
    renderer, trajectory = composed.build("backends.render"), composed.build("trajectory")
    n = arguments.columns * arguments.rows - len(pictures)
    for camera in keep_clear(trajectory, scene, n + 2).cameras[1:-1]:
        pictures.append(to_uint8(renderer(scene.gaussians, [camera], want=("rgb",))[0].rgb))
    tile = (arguments.tile_px, round(arguments.tile_px * pictures[0].shape[0] / pictures[0].shape[1]))
    sheet = Image.new("RGB", (arguments.columns * tile[0], arguments.rows * tile[1]))
    for i, picture in enumerate(pictures):
        place = (i % arguments.columns * tile[0], i // arguments.columns * tile[1])
        sheet.paste(Image.fromarray(picture).resize(tile, Image.Resampling.LANCZOS), place)
    sheet.save(arguments.out, quality=88)


def depth_picture(view: View) -> np.ndarray:
    """Turbo colours of 1/z."""
    if view.z is None:
        raise UserError("the run has no depth yet; wanted one with initialize finished")
    known = view.z > 0
    return depth_colors(torch.where(known, view.z, 1.0), known, *depth_range(view.z, known))


if __name__ == "__main__":
    arguments = tyro.cli(Arguments, description=__doc__)
    sys.exit(guard.guarded("contact_sheet", lambda: partial(draw, arguments), "the same command starts anew"))
