"""One picture of what the coarse stage did: the worst poses of the flight after initialize, and the same after coarse.

python tools/before_after.py outputs/photo/DATE sheet.jpg
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from vistadream.commands import guard

if __name__ == "__main__":
    guard.begin("before_after")  # before the packages below, which take seconds

import torch
import tyro
from PIL import Image

from vistadream.config import compose
from vistadream.core import Camera, Renderer, Scene, UserError
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.holes.preview import hole_ratios
from vistadream.ops.image.pixels import to_uint8
from vistadream.runs.folder import RunFolder

N_POSES = 60


@dataclass(frozen=True)
class Arguments:
    """Draw the worst poses of a run's flight before and after the coarse stage."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run's folder, finished up to coarse or further."""
    out: Annotated[Path, tyro.conf.Positional]
    """The picture to write; JPEG, PNG or WebP."""
    columns: int = 4
    tile_px: int = 360
    """Width of one picture."""


def draw(arguments: Arguments) -> None:
    """Two rows: after initialize, with holes in black, and after coarse."""
    folder, composed = RunFolder(arguments.run), compose([])
    missing = [stage for stage in ("initialize", "coarse") if not folder.finished(stage)]
    if missing:
        raise UserError(f"{arguments.run} has not finished {' and '.join(missing)}; wanted a run with stage=coarse")
    before, after = folder.load_stage("initialize"), folder.load_stage("coarse")
    renderer = composed.build("backends.render")
    path = keep_clear(composed.build("trajectory"), before, N_POSES).cameras
    worst = worst_poses(before, path, renderer, arguments.columns)
    height = round(arguments.tile_px * path[0].height / path[0].width)
    sheet = Image.new("RGB", (arguments.columns * arguments.tile_px, 2 * height))
    for row, scene in enumerate((before, after)):
        for column, pose in enumerate(worst):
            with torch.no_grad():
                picture = to_uint8(renderer(scene.gaussians, [path[pose]], want=("rgb",))[0].rgb)
            tile = Image.fromarray(picture).resize((arguments.tile_px, height), Image.Resampling.LANCZOS)
            sheet.paste(tile, (column * arguments.tile_px, row * height))
    sheet.save(arguments.out, quality=85)


def worst_poses(scene: Scene, path: list[Camera], renderer: Renderer, n: int) -> list[int]:
    """The pose with the largest hole in each of n equal parts of the path."""
    ratios = hole_ratios(scene.gaussians, path, renderer)
    parts = [range(i * len(path) // n, (i + 1) * len(path) // n) for i in range(n)]
    return [max(part, key=ratios.__getitem__) for part in parts]


if __name__ == "__main__":
    arguments = tyro.cli(Arguments, description=__doc__)
    sys.exit(guard.guarded("before_after", lambda: partial(draw, arguments), "the same command starts anew"))
