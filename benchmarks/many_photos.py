"""What many photos cost: seconds, CPU seconds and memory of each stage of `multi-img`, for photos that are drawn first.

python benchmarks/many_photos.py COUNT FOLDER     (FOLDER is drawn if it does not exist)

The photos show textured boxes from an arc, at 512x384 pixels, without noise, so that they are easy to register. CPU
seconds are of all threads and of COLMAP's process. The peak memory is the largest so far, of this process and of
COLMAP's.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.textured_boxes import TexturedBoxes

from vistadream.config.composed import compose
from vistadream.core import Scene, silent

STAGES = ("load", "register", "initialize", "coarse", "refine")
ARC_DEG = 64
FOCAL_PX = 440


def main(arguments: Sequence[str]) -> None:
    count, folder = int(arguments[0]), Path(arguments[1])
    if not folder.exists():
        draw(folder, count)
    configuration = compose(["rerun.mode=off", f"input={folder}", "max_resolution=512"], job="multi_img")
    scene = Scene()
    print("| stage | seconds | CPU seconds | peak GiB | of COLMAP | Gaussians |\n|---|---|---|---|---|---|", flush=True)
    for name in STAGES:
        began_s, began_cpu_s = time.perf_counter(), cpu_s()
        scene = configuration.build(f"stages.{name}")(scene, silent)
        seconds = f"{time.perf_counter() - began_s:.0f} | {cpu_s() - began_cpu_s:.0f}"
        peaks = " | ".join(f"{usage.ru_maxrss / 2**20:.2f}" for usage in usages())
        print(f"| {name} | {seconds} | {peaks} | {len(scene.gaussians):,} |", flush=True)


def draw(folder: Path, count: int) -> None:
    """Photos of the boxes from an arc, as PNG."""
    folder.mkdir(parents=True)
    boxes = TexturedBoxes(512, 384, FOCAL_PX)
    for i in range(count):
        rgb = boxes.photograph(boxes.camera_on_arc(ARC_DEG * (i / (count - 1) - 0.5)))
        Image.fromarray((rgb.numpy() * 255).astype(np.uint8)).save(folder / f"{i:03d}.png")


def usages() -> tuple[resource.struct_rusage, resource.struct_rusage]:
    """What this process and its children that have ended used."""
    return resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)


def cpu_s() -> float:
    return sum(usage.ru_utime + usage.ru_stime for usage in usages())


if __name__ == "__main__":
    main(sys.argv[1:])
