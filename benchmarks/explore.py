"""How far can one walk in the scene of one photo? Seen from all around, against the truth of generated worlds.

Run: python research/draw_worlds.py --out worlds, once; then
python benchmarks/explore.py worlds [--depth true|embedded] [--only room_1 ...] [--words max_resolution=512 ...]
Prints Markdown for docs/benchmarks/explore.md. `--sheets FOLDER` draws what is seen and the truth, `--rows FILE`
keeps every figure as JSON. `--quick` looks at the scene after coarse alone, from a third of the places.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import kitchen
import numpy as np
import torch
from coherence import telea
from explore_measures import Shown, measures
from explore_worlds import SKY_M, Look, World, read_photo, read_worlds
from pipeline import in_new_process
from torch import Tensor

from vistadream.config import configured
from vistadream.core import Camera, Scene
from vistadream.ops.evaluation.reach import STRETCH
from vistadream.ops.gaussians.size_px import fitted_sizes_px, sizes_px
from vistadream.ops.image.pixels import to_uint8
from vistadream.runs.folder import RunFolder

RENDERER = configured("backends/render=cpu")
GRAY = 0.5
QUALITY = ("seen psnr", "seen ssim", "seen gms", "unseen psnr", "unseen ssim", "unseen gms")
FAULTS = ("holes", "stretched", "painted on", "lines lost")
DRAWN = (("right", 0.35), ("left", 0.75), ("up", 0.35), ("forward", 0.5), ("backward", 0.5), ("turn", 30.0))
"""Looks of the contact sheets."""
QUICK = (*((way, d) for way in ("right", "left", "up", "backward") for d in (0.2, 0.5)), ("turn", 15.0), ("turn", 30.0))
"""Looks of a quick trial, those of the sheets besides."""
Contender = Callable[[Camera], Shown]


@dataclass(frozen=True)
class Row:
    """The figures of one contender at one look."""

    world: str
    contender: str
    direction: str
    amount: float
    figures: dict[str, float]


class OfScene:
    """What the Gaussians of a scene show. Its depth may be of another scale than the truth."""

    def __init__(self, scene: Scene, scale: float):
        """`scale`: units of the scene in a meter."""
        self._gaussians, self._scale = scene.gaussians, scale
        self._fitted_px = fitted_sizes_px(scene.gaussians, scene.views)

    @torch.no_grad()
    def __call__(self, camera: Camera) -> Shown:
        pose = camera.cam_from_world.clone()
        pose[:3, 3] *= self._scale
        here = camera.at(pose)
        seen = RENDERER(self._gaussians, [here], want=("rgb", "alpha", "z_median"))[0]
        stretched = (sizes_px(self._gaussians, here) > STRETCH * self._fitted_px).float()
        flags = replace(self._gaussians, colors=stretched[:, None].expand(-1, 3).contiguous())
        share = RENDERER(flags, [here], want=("rgb",))[0].rgb[..., 0] / seen.alpha.clamp(min=1e-3)
        hole = seen.alpha < 0.5
        over_gray = seen.rgb + (1 - seen.alpha[..., None]) * GRAY
        return Shown(torch.where(hole[..., None], over_gray, seen.rgb), seen.z_median / self._scale, hole, share > 0.5)


class OfWarp:
    """The photo's pixels moved by its depth, the gaps closed by Telea's method. It has no holes and no depth."""

    def __init__(self, photo: Tensor, z: Tensor, camera: Camera):
        self._frame = kitchen.Frame("photo", photo, z, camera)

    def __call__(self, camera: Camera) -> Shown:
        warp, covered = kitchen.forward_warp(self._frame, camera)
        none = torch.zeros_like(covered)
        return Shown(telea(warp, covered), torch.zeros_like(self._frame.z), none, none)


def contenders(world: World, depth: str, words: Sequence[str], out: Path) -> Iterator[tuple[str, Contender]]:
    """Ours after coarse and before it, and the warp by the same depth."""
    run = finished(world, depth, words, out)
    photo = run.load_stage("initialize").anchor
    scale = float((photo.depth / world.z)[world.z < SKY_M / 2].median())
    for name, stage in (("coarse", "coarse"), ("no coarse", "initialize")):
        yield name, OfScene(run.load_stage(stage), scale)
    z = torch.where(world.z < SKY_M / 2, photo.depth / scale, world.z)
    yield "warp + Telea", OfWarp(read_photo(world), z, world.camera)


def finished(world: World, depth: str, words: Sequence[str], out: Path) -> RunFolder:
    """The folder of a run with the default knobs, in a process of its own."""
    given = ["backends/depth=given", f"backends.depth.path={world.depth}", "backends.depth.unit_m=1"]
    told = [f"image={world.photo}", f"camera.focal_px={world.camera.fx}", "stage=coarse", "seed=0", f"out={out}"]
    kept = ["rerun.mode=off", "export=[]"]
    run = [*told, *kept, *(given if depth == "true" else ["backends/depth=embedded"]), *words]
    return RunFolder(Path(in_new_process(run)["folder"]))


def quick(world: World) -> World:
    """The world with the looks of a quick trial."""
    kept = {*QUICK, *DRAWN}
    return replace(world, looks=tuple(look for look in world.looks if (look.direction, look.amount) in kept))


def explored(world: World, depth: str, words: Sequence[str], sheets: Path | None, first: bool = False) -> list[Row]:
    """The figures of all contenders, or of the `first` one alone, at all looks of a world."""
    rows, pictures = [], {}
    with tempfile.TemporaryDirectory() as out:
        for name, contender in islice(contenders(world, depth, words, Path(out)), 1 if first else None):
            for look in world.looks:
                shown = contender(look.camera)
                rows.append(Row(world.name, name, look.direction, look.amount, measures(shown, look)))
                if (look.direction, look.amount) in DRAWN:
                    pictures[name, look.direction, look.amount] = shown.rgb
    if sheets is not None:
        write_sheet(sheets / f"{world.name}_{depth}.png", world.looks, pictures)
    return rows


def write_sheet(file: Path, looks: Sequence[Look], pictures: dict[tuple, Tensor]) -> None:
    """The truth in the first row, and a row for each contender."""
    shown = [look for look in looks if (look.direction, look.amount) in DRAWN]
    names = list(dict.fromkeys(name for name, _, _ in pictures))
    rows = [[look.rgb for look in shown]]
    rows += [[pictures[name, look.direction, look.amount] for look in shown] for name in names]
    sheet = np.concatenate([np.concatenate([to_uint8(picture) for picture in row], 1) for row in rows])
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), sheet[..., ::-1])


def reach(rows: Sequence[Row]) -> float:
    """The largest distance, as a share of the focus distance, up to which one world holds in every direction."""
    good = 0.0
    for distance in sorted({row.amount for row in rows if row.direction != "turn"}):
        if not all(holds(row.figures) for row in rows if row.direction != "turn" and row.amount == distance):
            break
        good = distance
    return good


def holds(figures: dict[str, float]) -> bool:
    """Holes and stretched pixels are under 1 %, and what the photo shows is recognized."""
    return figures["holes"] < 0.01 and figures["stretched"] < 0.01 and not figures["seen ssim"] <= 0.8


def mean(rows: Sequence[Row], name: str) -> float:
    values = [row.figures[name] for row in rows if math.isfinite(row.figures[name])]
    return float(np.mean(values)) if values else math.nan


def print_reach(rows: Sequence[Row]) -> None:
    """How far each world holds, for the contenders that can have holes."""
    names, worlds = (list(dict.fromkeys(getattr(row, key) for row in rows)) for key in ("contender", "world"))
    print(f"\nReach:\n\n| contender | median | {' | '.join(worlds)} |\n{'|---' * (len(worlds) + 2)}|")
    for name in [name for name in names if name != "warp + Telea"]:
        each = [reach([row for row in rows if row.world == world and row.contender == name]) for world in worlds]
        print(f"| {name} | {np.median(each):.2f} | {' | '.join(f'{r:.2f}' for r in each)} |", flush=True)


def turned_or_moved(rows: Sequence[Row], turned: bool) -> list[Row]:
    """The rows of cameras that turned, to the left as to the right, or of those that moved."""
    return [replace(row, amount=abs(row.amount)) for row in rows if (row.direction == "turn") == turned]


def print_amounts(rows: Sequence[Row], turned: bool) -> None:
    """The means over all worlds at each distance, or at each angle."""
    rows = turned_or_moved(rows, turned)
    columns = (*QUALITY, *FAULTS, "bend px")
    title = "Turned by degrees" if turned else "Moved by a share of the focus distance"
    print(f"\n{title}:\n\n| moved | contender | {' | '.join(columns)} |\n{'|---' * (len(columns) + 2)}|")
    for amount in sorted({row.amount for row in rows}):
        for name in dict.fromkeys(row.contender for row in rows):
            some = [row for row in rows if row.amount == amount and row.contender == name]
            print(f"| {amount:g} | {name} | {' | '.join(cell(column, mean(some, column)) for column in columns)} |")


def cell(column: str, value: float) -> str:
    if column in FAULTS:
        return f"{value:.1%}"
    return f"{value:.1f}" if column.endswith("psnr") else f"{value:.3f}"


def main() -> None:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", type=Path)
    parser.add_argument("--depth", choices=("true", "embedded"), default="true")
    parser.add_argument("--only", nargs="*", help="names of worlds")
    parser.add_argument("--words", nargs="*", default=[], help="knobs of the runs")
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for world in read_worlds(arguments.worlds):
        if arguments.only is None or world.name in arguments.only:
            world = quick(world) if arguments.quick else world
            rows += explored(world, arguments.depth, arguments.words, arguments.sheets, arguments.quick)
    if not rows:
        raise SystemExit(f"{arguments.worlds} holds none of these worlds; draw them by research/draw_worlds.py")
    print_reach(rows)
    print_amounts(rows, turned=False)
    print_amounts(rows, turned=True)
    if arguments.rows is not None:
        everything: list[dict[str, Any]] = [vars(row) for row in rows]
        arguments.rows.write_text(json.dumps(everything) + "\n")


if __name__ == "__main__":
    main()
