"""How long does the embedded outpainter take, and what does it make of holes whose content is known?

python benchmarks/outpaint.py [data folder] [folder for the pictures]        (default: VISTADREAM_TEST_DATA, none)

Prints seconds for a border of 15 % on each side, and for two inner holes seconds and the PSNR over the withheld pixels
beside cv2's Telea and mirroring at the rim. A painted hole can look right and score low: look at the pictures.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy import ndarray

from vistadream.config import configured

LONG_SIDE = 512
BORDER = 0.15
PHOTOS = ("photos/*.jpg", "photos/*.png", "bedroom/*.png")
Filler = Callable[[ndarray, ndarray], ndarray]


def embedded(rgb: ndarray, hole: ndarray) -> ndarray:
    return configured("backends/outpaint=embedded")(torch.from_numpy(rgb), torch.from_numpy(hole), "", 0).numpy()


def telea(rgb: ndarray, hole: ndarray) -> ndarray:
    return cv2.inpaint(np.uint8(255 * rgb + 0.5), np.uint8(hole), 5, cv2.INPAINT_TELEA).astype(np.float32) / 255


def mirrored(rgb: ndarray, hole: ndarray) -> ndarray:
    """Each hole pixel is the one as far on the other side of its nearest known pixel, or that pixel itself."""
    _, labels = cv2.distanceTransformWithLabels(np.uint8(hole), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    known = np.argwhere(~hole)
    order = np.empty(len(known) + 1, int)
    order[labels[~hole]] = np.arange(len(known))
    nearest = known[order[labels]]
    across = np.clip(2 * nearest - np.moveaxis(np.indices(hole.shape), 0, -1), 0, np.array(hole.shape) - 1)
    source = np.where(hole[across[..., 0], across[..., 1], None], nearest, across)
    return np.where(hole[..., None], rgb[source[..., 0], source[..., 1]], rgb)


FILLERS: dict[str, Filler] = {"embedded": embedded, "Telea": telea, "mirror": mirrored}


def read(file: Path) -> ndarray:
    image = cv2.imread(str(file))
    scale = LONG_SIDE / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 255


def bordered(rgb: ndarray) -> tuple[ndarray, ndarray]:
    pad_y, pad_x = (round(BORDER * side) for side in rgb.shape[:2])
    pads = ((pad_y, pad_y), (pad_x, pad_x))
    return np.pad(rgb, (*pads, (0, 0))), np.pad(np.zeros(rgb.shape[:2], bool), pads, constant_values=True)


def inner_holes(h: int, w: int) -> ndarray:
    """Two ellipses, about 5 % of the picture, as a moved camera uncovers behind things."""
    hole = np.zeros((h, w), np.uint8)
    cv2.ellipse(hole, (w * 3 // 10, h * 6 // 10), (w // 14, h // 6), 20, 0, 360, 1, -1)
    cv2.ellipse(hole, (w * 7 // 10, h * 4 // 10), (w // 20, h // 8), -30, 0, 360, 1, -1)
    return hole > 0


def psnr(a: ndarray, b: ndarray, where: ndarray) -> float:
    return float(-10 * np.log10(((a - b)[where] ** 2).mean()))


def save(folder: Path | None, name: str, rgb: ndarray) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(np.uint8(255 * rgb + 0.5), cv2.COLOR_RGB2BGR))


def main() -> None:
    data = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["VISTADREAM_TEST_DATA"])
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    files = [file for pattern in PHOTOS for file in sorted(data.glob(pattern))]
    embedded(*bordered(np.random.default_rng(0).random((40, 60, 3), np.float32)))  # compile
    print(f"{'photo':16} {'border':>8} {'hole':>8}   " + "   ".join(f"{name:>8}" for name in FILLERS))
    for file in files:
        photo = read(file)
        seconds = []
        hole = inner_holes(*photo.shape[:2])
        for kind, (rgb, mask) in {"border": bordered(photo), "hole": (photo * ~hole[..., None], hole)}.items():
            start = time.perf_counter()
            painted = embedded(rgb, mask)
            seconds.append(time.perf_counter() - start)
            save(folder, f"{file.stem}_{kind}", painted)
        scores = [psnr(fill(photo * ~hole[..., None], hole), photo, hole) for fill in FILLERS.values()]
        print(
            f"{file.stem:16} {seconds[0]:6.2f} s {seconds[1]:6.2f} s   "
            + "   ".join(f"{score:5.2f} dB" for score in scores)
        )


if __name__ == "__main__":
    main()
