"""One picture of the named camera paths through a finished run: a row each, with the path from above and from behind.

python tools/trajectory_sheet.py outputs/sample/DATE docs/images/trajectories.jpg --custom docs/cameras.json
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from vistadream.commands import guard

if __name__ == "__main__":
    guard.begin("trajectory_sheet")  # before the packages below, which take seconds

import torch
import tyro
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vistadream.config import compose, groups, quote_paths
from vistadream.core import Renderer, Scene, UserError
from vistadream.ops.camera_path.clearance import ClearPath, keep_clear
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.image.pixels import to_uint8
from vistadream.runs.folder import RunFolder

_CURVE = 200
"""Poses that a path is drawn with."""


@dataclass(frozen=True)
class Arguments:
    """Draw every trajectory at its defaults."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run's folder."""
    out: Annotated[Path, tyro.conf.Positional]
    """The picture to write; JPEG, PNG or WebP."""
    custom: Path | None = None
    """Cameras for trajectory=custom."""
    frames: int = 7
    """Pictures in a row."""
    tile_px: int = 176
    """Width of one picture."""


def draw(arguments: Arguments) -> None:
    """The rows in the order of their names; custom comes last, when there are cameras for it."""
    folder = RunFolder(arguments.run)
    finished = folder.finished_stages()
    if not finished:
        raise UserError(f"{arguments.run} holds no finished stage; wanted a run's folder")
    scene = folder.load_stage(finished[-1])
    rows = {name: [f"trajectory={name}"] for name in groups()["trajectory"] if name != "custom"}
    if arguments.custom:
        rows["custom"] = ["trajectory=custom", *quote_paths([f"trajectory.path={arguments.custom}"])]
    tiles = [row(name, words, scene, arguments) for name, words in rows.items()]
    width, height = tiles[0].size
    sheet = Image.new("RGB", (width, height * len(tiles)))
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (0, i * height))
    sheet.save(arguments.out, quality=82)


def row(name: str, words: list[str], scene: Scene, arguments: Arguments) -> Image.Image:
    """The path's plan, then pictures at even times; a closed path is not shown twice at its end."""
    composed = compose(words)
    trajectory, renderer = composed.build("trajectory"), composed.build("backends.render")
    curve = keep_clear(trajectory, scene, _CURVE)
    closed = torch.allclose(curve.cameras[0].center, curve.cameras[-1].center, atol=1e-3)
    path = keep_clear(trajectory, scene, arguments.frames + closed)
    photo = scene.view("input").camera
    tile = (arguments.tile_px, round(arguments.tile_px * photo.height / photo.width))
    pictures = [plan(name, scene, curve, tile), *rendered(scene, path, renderer, arguments.frames, tile)]
    strip = Image.new("RGB", (tile[0] * len(pictures), tile[1]))
    for i, picture in enumerate(pictures):
        strip.paste(picture, (i * tile[0], 0))
    return strip


def rendered(scene: Scene, path: ClearPath, renderer: Renderer, n: int, tile: tuple[int, int]) -> list[Image.Image]:
    """The first n poses."""
    with torch.no_grad():
        seen = [renderer(scene.gaussians, [camera], want=("rgb",))[0].rgb for camera in path.cameras[:n]]
    return [Image.fromarray(to_uint8(rgb)).resize(tile, Image.Resampling.LANCZOS) for rgb in seen]


def plan(name: str, scene: Scene, curve: ClearPath, tile: tuple[int, int]) -> Image.Image:
    """The path in red among what the first photo sees in grey: left from above, right from behind."""
    points = FreeSpace.of(scene).photos[0].photo.points
    way = torch.stack([camera.center for camera in curve.cameras])
    picture = Image.new("RGB", tile, "white")
    pen = ImageDraw.Draw(picture)
    half = (tile[0] // 2, tile[1])
    _plot(pen, points[:, [0, 2]], way[:, [0, 2]], (0, 18), (half[0], half[1] - 20), up=True)
    _plot(pen, points[:, :2], way[:, :2], (half[0], 18), (half[0], half[1] - 20), up=False)
    pen.text((6, 3), name, "black", ImageFont.load_default(14))
    return picture


def _plot(
    pen: ImageDraw.ImageDraw, points: Float[Tensor, "n 2"], way: Float[Tensor, "k 2"], corner, size, up: bool
) -> None:
    """Dots and a line in one scale, with the photo's position as a ring; `up`: the second axis points upwards."""
    everything = torch.cat([points, way])
    low, high = everything.min(dim=0).values, everything.max(dim=0).values
    scale = 0.92 * min(size[0] / float(high[0] - low[0]), size[1] / float(high[1] - low[1]))
    middle = torch.tensor([corner[0] + size[0] / 2, corner[1] + size[1] / 2])
    flip = torch.tensor([1.0, -1.0 if up else 1.0])

    def pixels(values: Tensor) -> list[tuple[float, float]]:
        return [tuple(p) for p in ((values - (low + high) / 2) * scale * flip + middle).tolist()]

    pen.point(pixels(points), "#9a9a9a")
    pen.line(pixels(way), "#d01c1c", 2)
    ((x, y),) = pixels(torch.zeros(1, 2))
    pen.ellipse((x - 2, y - 2, x + 2, y + 2), outline="#1040c0")


if __name__ == "__main__":
    arguments = tyro.cli(Arguments, description=__doc__)
    sys.exit(guard.guarded("trajectory_sheet", lambda: partial(draw, arguments), "the same command starts anew"))
