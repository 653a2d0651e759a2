"""How close is the embedded depth to measured depth? AbsRel, delta1 and boundary F1 after a robust scale and shift.

python benchmarks/depth.py [data folder]        (default: VISTADREAM_TEST_DATA)

First the sensor depth of the kitchen frames and of every second frame of the walk, and our path-traced sample, then
generated worlds whose numbers training never sees, kind by kind.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from boundary import boundary_f1
from PIL import Image

from vistadream.assets import sample_camera, sample_depth, sample_image
from vistadream.config import configured
from vistadream.core import Camera, View
from vistadream.ops.depth.align import align_scale_shift
from vistadream.ops.evaluation.metrics import abs_rel, delta1
from vistadream.sources.photo_view import photo_view

sys.path.insert(0, str(Path(__file__).parents[1] / "research"))

from train_embedded_depth.generate import generate
from train_embedded_depth.kinds import HELD_OUT, KINDS, Kind
from train_embedded_depth.textures import TextureBank

FOCAL_PX = 585.0
SEED, PER_KIND, SIZE = 777, 4, (240, 320)
FARTHEST = 8.0
"""Generated depth counts up to this multiple of its near parts, the largest ratio of the embedded depth."""


def constant_plane(view: View) -> torch.Tensor:
    return torch.ones(view.camera.height, view.camera.width)


def vertical_ramp(view: View) -> torch.Tensor:
    """Disparity that grows linearly from top to bottom, twofold."""
    rows = torch.linspace(1, 2, view.camera.height)
    return (1 / rows)[:, None].expand(-1, view.camera.width)


def methods(view: View) -> dict[str, torch.Tensor]:
    """z by two guesses that do not look at the picture, by each source of the embedded depth, and by their blend."""
    (prediction,) = configured("backends/depth=embedded")([view])
    sources = {source.name: source.z for source in prediction.sources}
    return {
        "constant plane": constant_plane(view),
        "vertical ramp": vertical_ramp(view),
        **sources,
        "blend": prediction.z,
    }


def view_of(name: str, rgb: torch.Tensor, camera: Camera) -> View:
    return replace(photo_view(camera, rgb, focal_known=True), name=name)


def read_frame(color: Path) -> tuple[View, torch.Tensor]:
    """A kitchen frame as a View, and its sensor depth in meters (0 = none)."""
    rgb, depth = read_pair(color)
    return view_of(color.name[6:12], rgb, Camera.from_focal(FOCAL_PX, rgb.shape[1], rgb.shape[0])), depth


def read_walk(folder: Path) -> Iterator[tuple[View, torch.Tensor]]:
    """Every second frame of the headset's walk, and its sensor depth in meters (0 = none)."""
    K = np.loadtxt(folder / "K.txt")
    for color in sorted(folder.glob("*.color.png"))[::2]:
        rgb, depth = read_pair(color)
        camera = Camera.from_focal(float(K[0, 0]), rgb.shape[1], rgb.shape[0], (float(K[0, 2]), float(K[1, 2])))
        yield view_of(color.name[:5], rgb, camera), depth


def read_pair(color: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Colors in [0, 1], and the depth in meters of the file that belongs to them."""
    rgb = torch.from_numpy(np.array(Image.open(color).convert("RGB"))).float() / 255
    depth = np.array(Image.open(color.with_name(color.name.replace("color", "depth")))).astype(np.float32) / 1000
    return rgb, torch.from_numpy(depth)


def read_sample() -> tuple[View, torch.Tensor]:
    """Our own sample, which another program made than the worlds, and its true depth in meters."""
    rgb, depth_mm = (np.array(Image.open(path)).astype(np.float32) for path in (sample_image(), sample_depth()))
    return view_of("our sample", torch.from_numpy(rgb) / 255, sample_camera()), torch.from_numpy(depth_mm) / 1000


def draw_worlds(name: str, kind: Kind) -> Iterator[tuple[View, torch.Tensor]]:
    """Views of one kind of generated world with their depth (0 = sky, or too far to count)."""
    samples = generate(kind, SEED, PER_KIND, SIZE, TextureBank.paint(SEED))
    for i, z in enumerate(samples.z):
        focal, center = (float(samples.lens.focal[i]) * SIZE[1], samples.lens.center[i] * SIZE[1])
        camera = Camera.from_focal(focal, SIZE[1], SIZE[0], (float(center[0]), float(center[1])))
        near = torch.quantile(z, 0.05)
        truth = torch.where(samples.sky[i] | (z > FARTHEST * near), 0.0, z)
        yield view_of(f"{name} {i}", samples.rgb[i].permute(1, 2, 0).contiguous(), camera), truth


def score(z: torch.Tensor, truth: torch.Tensor) -> tuple[float, float, float]:
    """AbsRel, delta1 and boundary F1 of z brought to the truth by a robust scale and shift."""
    known = truth > 0
    aligned = align_scale_shift(z, truth, known.float()).apply(z).clamp(min=0.01)
    return abs_rel(aligned, truth, known), delta1(aligned, truth, known), boundary_f1(aligned.numpy(), truth.numpy())


def judge(view: View, truth: torch.Tensor) -> dict[str, tuple[float, float, float]]:
    """The scores of every method."""
    return {name: score(z, truth) for name, z in methods(view).items()}


def print_table(what: str, rows: dict[str, dict[str, tuple[float, float, float]]]) -> None:
    """A row for each picture or kind, with AbsRel / delta1 / boundary F1 of each method, and one for their mean."""
    names = list(next(iter(rows.values())))
    print(f"\n| {what} | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for row, scores in (rows | {"mean": mean_of(rows.values())}).items():
        print(
            f"| {row} | " + " | ".join(" / ".join(f"{x:.3f}" for x in scores[name]) for name in names) + " |",
            flush=True,
        )


def mean_of(rows: Iterable[dict[str, tuple[float, float, float]]]) -> dict[str, tuple[float, float, float]]:
    rows = list(rows)
    return {name: tuple(np.nanmean([row[name] for row in rows], axis=0).tolist()) for name in rows[0]}


def main() -> None:
    data = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["VISTADREAM_TEST_DATA"])
    print("AbsRel / delta1 / boundary F1")
    frames = [read_frame(color) for color in sorted((data / "kitchen").glob("*.color.png"))]
    print_table("kitchen frame", {view.name: judge(view, truth) for view, truth in frames})
    print_table("walk", {view.name: judge(view, truth) for view, truth in read_walk(data / "walk")})
    sample, truth = read_sample()
    print_table("sample", {sample.name: judge(sample, truth)})
    kinds = {f"{name} (held out)" if name in HELD_OUT else name: kind for name, kind in (KINDS | HELD_OUT).items()}
    print_table(
        "generated kind",
        {name: mean_of(judge(*drawn) for drawn in draw_worlds(name, kind)) for name, kind in kinds.items()},
    )


if __name__ == "__main__":
    main()
