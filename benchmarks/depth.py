"""How good is the embedded depth beside knowing nothing? AbsRel and delta1 after a robust scale and shift.

python benchmarks/depth.py [data folder]        (default: VISTADREAM_TEST_DATA)
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vistadream.backends.depth.embedded import EmbeddedDepth
from vistadream.core import Camera, View
from vistadream.ops.depth import align_scale_shift
from vistadream.ops.metrics import abs_rel, delta1

FOCAL_PX = 585.0
Method = Callable[[View], torch.Tensor]


def constant_plane(view: View) -> torch.Tensor:
    return torch.ones(view.camera.height, view.camera.width)


def vertical_ramp(view: View) -> torch.Tensor:
    """Disparity that grows linearly from top to bottom, twofold."""
    rows = torch.linspace(1, 2, view.camera.height)
    return (1 / rows)[:, None].expand(-1, view.camera.width)


def embedded(view: View) -> torch.Tensor:
    return EmbeddedDepth()([view])[0].z


METHODS: dict[str, Method] = {"constant plane": constant_plane, "vertical ramp": vertical_ramp, "embedded": embedded}


def read_frame(color: Path) -> tuple[View, torch.Tensor]:
    """A kitchen frame as a View, and its sensor depth in metres (0 = none)."""
    rgb = torch.from_numpy(np.array(Image.open(color).convert("RGB"))).float() / 255
    depth = np.array(Image.open(color.with_name(color.name.replace("color", "depth")))).astype(np.float32) / 1000
    none = torch.zeros(rgb.shape[:2], dtype=torch.bool)
    camera = Camera.from_focal(FOCAL_PX, rgb.shape[1], rgb.shape[0])
    return View(color.stem, camera, rgb, None, ~none, ~none, none), torch.from_numpy(depth)


def score(z: torch.Tensor, truth: torch.Tensor) -> tuple[float, float]:
    """AbsRel and delta1 of z brought to the truth by a robust scale and shift."""
    known = truth > 0
    aligned = align_scale_shift(z, truth, known.float()).apply(z).clamp(min=0.01)
    return abs_rel(aligned, truth, known), delta1(aligned, truth, known)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["VISTADREAM_TEST_DATA"]) / "kitchen"
    print("| frame | " + " | ".join(f"{name}: AbsRel | delta1" for name in METHODS) + " | embedded CPU s |")
    print("|---" * (2 * len(METHODS) + 2) + "|")
    rows = []
    for color in sorted(folder.glob("*.color.png")):
        view, truth = read_frame(color)
        scores = []
        for method in METHODS.values():
            start = time.process_time()
            z = method(view)
            seconds = time.process_time() - start
            scores += score(z, truth)
        rows.append([*scores, seconds])
        print(f"| {color.name[6:12]} | " + " | ".join(f"{value:.3f}" for value in rows[-1]) + " |")
    print("| mean | " + " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)) + " |")


if __name__ == "__main__":
    main()
