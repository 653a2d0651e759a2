"""Draws generated worlds: a photo of each with its true depth, and what is seen from places all around it.

Run `python research/draw_worlds.py --out worlds`. benchmarks/explore.py reads the folder. Each world is a folder with
photo.png, photo_depth.npy (meters, infinity in the sky) and views.npz. All of them take about an hour of CPU time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from explored_worlds.worlds import KEPT_BACK, WORLDS, Explored
from PIL import Image


@dataclass(frozen=True)
class Options:
    """What to draw."""

    out: Path
    """A folder; worlds that are there already are kept."""
    names: tuple[str, ...] = ()
    """Names such as room_1; all without any."""
    width: int = 512
    height: int = 384


@torch.no_grad()
def main(options: Options) -> None:
    for kind, seed in (*WORLDS, *KEPT_BACK):
        name = f"{kind}_{seed}"
        if (not options.names or name in options.names) and not (options.out / name).exists():
            print(f"{name}: {draw(kind, seed, options, options.out / name)} views", flush=True)


def draw(kind: str, seed: int, options: Options, folder: Path) -> int:
    """Draws a world into a folder, which appears whole. The number of views."""
    size = (options.height, options.width)
    explored = Explored.of(kind, seed, size)
    views = list(explored.seen(size))
    part = folder.with_name(f".{folder.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_bytes(explored.photo.rgb)).save(part / "photo.png")
    np.save(part / "photo_depth.npy", explored.photo.z.numpy())
    facts = {"focal_px": explored.focal_px, "focus_z_m": explored.focus_z}
    (part / "world.json").write_text(json.dumps(facts, indent=2) + "\n")
    np.savez_compressed(
        part / "views.npz",
        direction=np.array([step.direction for step, _ in views]),
        amount=np.array([step.amount for step, _ in views]),
        cam_from_photo=np.stack([step.cam_from_photo.numpy() for step, _ in views]),
        rgb=np.stack([_bytes(drawing.rgb) for _, drawing in views]),
        z_m=np.stack([drawing.z.numpy() for _, drawing in views]),
    )
    part.rename(folder)
    return len(views)


def _bytes(rgb: torch.Tensor) -> np.ndarray:
    return (rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy()


if __name__ == "__main__":
    torch.set_num_threads(1)  # small tensors: more threads mostly wait for each other
    main(tyro.cli(Options))
