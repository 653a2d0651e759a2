"""Which of two points is nearer? Wrong pairs of the embedded depth and of each of its sources, on labeled photos.

python benchmarks/order.py [data folder]        (default: VISTADREAM_TEST_DATA)

The pairs were labeled by eye, the first point clearly nearer. A pair is wrong unless the first point is at least 3 %
nearer. The source "position" is the rival that knows nothing of the picture: what is lower is nearer.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from photos import Photo, data_folder, depths, labeled_photos
from torch import Tensor

MARGIN = 1.03


def wrong_pairs(z: Float[Tensor, "h w"], photo: Photo) -> int:
    """The number of pairs of which the first point is not clearly nearer."""
    height, width = z.shape

    def at(x: float, y: float) -> float:
        return float(z[min(int(y * height), height - 1), min(int(x * width), width - 1)])

    return sum(at(a, b) * MARGIN > at(c, d) for a, b, c, d in photo.pairs)


def main() -> None:
    for name in ("order", "photos"):
        rows, pairs, names = [], 0, list[str]()
        for photo in labeled_photos(data_folder() / name):
            found = depths(photo.view)
            if not rows:
                names = list(found)
                print(f"\n| {name} | pairs | " + " | ".join(f"wrong: {source}" for source in names) + " |")
                print("|---" * (2 + len(names)) + "|")
            rows.append([wrong_pairs(z, photo) for z in found.values()])
            pairs += len(photo.pairs)
            print(f"| {photo.name} | {len(photo.pairs)} | " + " | ".join(map(str, rows[-1])) + " |", flush=True)
        shares = " | ".join(f"{total} ({total / pairs:.0%})" for total in np.sum(rows, 0).tolist())
        print(f"| all | {pairs} | {shares} |")


if __name__ == "__main__":
    main()
