"""Does the embedded depth stay the same when the photo hardly changes? Rank correlation of the depth with itself.

python benchmarks/stability.py [data folder]        (default: VISTADREAM_TEST_DATA)

Each photo of order/, photos/ and bedroom/ is brought to 512 pixels, then recompressed, scaled, brightened, cropped or
mirrored. The depth of the changed photo is brought back to the pixels of the first, and compared by Spearman's
coefficient.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from photos import data_folder, depths, view_of
from PIL import Image, ImageOps

EVERY_PX, CROP = 3, 0.01
"""Pixels compared along each side, and the border that the crop removes from each side."""
SUFFIXES = {".jpg", ".png"}


def recompressed(picture: Image.Image) -> Image.Image:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=80)
    return Image.open(stream).convert("RGB")


def _border(picture: Image.Image) -> tuple[int, int]:
    return round(CROP * picture.width), round(CROP * picture.height)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG 80": recompressed,
    "3 % smaller": lambda picture: picture.resize((round(0.97 * picture.width), round(0.97 * picture.height))),
    "5 % brighter": lambda picture: picture.point(lambda value: min(255, round(1.05 * value))),
    "2 % cropped": lambda picture: ImageOps.crop(picture, (*_border(picture), *_border(picture))),
    "mirrored": ImageOps.mirror,
}


def brought_back(change: str, z: Float[ndarray, "h w"], picture: Image.Image) -> Float[ndarray, "H W"]:
    """The depth of a changed picture at the pixels of the picture; NaN outside of a crop."""
    if change == "mirrored":
        return z[:, ::-1]
    across, down = _border(picture) if change == "2 % cropped" else (0, 0)
    inner = cv2.resize(z, (picture.width - 2 * across, picture.height - 2 * down), interpolation=cv2.INTER_LINEAR)
    return np.pad(inner, ((down, down), (across, across)), constant_values=np.nan)


def rank_correlation(a: Float[ndarray, "h w"], b: Float[ndarray, "h w"]) -> float:
    """Spearman's coefficient over every third pixel along each side that both have."""
    known = np.isfinite(a) & np.isfinite(b)
    a, b = (x[::EVERY_PX, ::EVERY_PX][known[::EVERY_PX, ::EVERY_PX]] for x in (a, b))
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(x: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
    """The rank of each value; equal values share the mean of their ranks."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def main() -> None:
    print("| photo | " + " | ".join(CHANGES) + " |\n|---" + "|---" * len(CHANGES) + "|")
    rows = []
    for path in _paths(data_folder()):
        picture = view_of(Image.open(path).convert("RGB")).rgb
        first = Image.fromarray((picture.numpy() * 255).round().astype(np.uint8))
        before = depths(view_of(first))["blend"].numpy()
        after = {name: depths(view_of(change(first)))["blend"].numpy() for name, change in CHANGES.items()}
        rows.append([rank_correlation(before, brought_back(name, z, first)) for name, z in after.items()])
        _print_row(path.name, rows[-1])
    _print_row("worst", np.min(rows, 0).tolist())
    _print_row("median", np.median(rows, 0).tolist())


def _paths(folder: Path) -> list[Path]:
    return [
        path
        for name in ("order", "photos", "bedroom")
        for path in sorted((folder / name).iterdir())
        if path.suffix in SUFFIXES
    ]


def _print_row(name: str, values: list[float]) -> None:
    print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |", flush=True)


if __name__ == "__main__":
    main()
