"""What larger working pictures cost, and how sharp their scenes are when they fill a screen.

Run: python benchmarks/resolutions.py [--photos office.jpg living_room.jpg opera_house_a.jpg] [--sizes 512 768 1024]
Needs VISTADREAM_TEST_DATA; prints Markdown for docs/benchmarks/pipeline.md. The photo's own view is drawn at the size
of the photo's file and compared with that file: PSNR, SSIM and similarity of gradients. Before it stand those of the
working picture, enlarged: no scene of that picture can be much sharper.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import kitchen
from pipeline import in_new_process


def sharpness(folder: Path, photo: Path) -> str:
    """PSNR, SSIM and gradient similarity of the enlarged working picture, and of the scene, as cells of a table."""
    import numpy as np
    import torch
    import torch.nn.functional as F
    from explore_measures import gradient_similarity
    from PIL import Image

    from vistadream.config import configured
    from vistadream.ops.evaluation.metrics import psnr, ssim
    from vistadream.runs.folder import RunFolder

    run = RunFolder(folder)
    scene = run.load_stage(run.finished_stages()[-1])
    truth = torch.from_numpy(np.array(Image.open(photo).convert("RGB"))).float() / 255
    size = truth.shape[:2]
    everywhere = torch.ones(size, dtype=torch.bool)
    enlarged = F.interpolate(scene.anchor.rgb.permute(2, 0, 1)[None], size, mode="bicubic", align_corners=False)
    camera = scene.anchor.camera.resize(size[1], size[0])
    with torch.no_grad():
        shown = configured("backends/render=cpu")(scene.gaussians, [camera], want=("rgb",))[0].rgb
    cells = []
    for rgb in (enlarged[0].permute(1, 2, 0).clamp(0, 1), shown):
        similar = gradient_similarity(rgb, truth, everywhere)
        cells.append(f"{psnr(rgb, truth):.2f}, {ssim(rgb, truth):.3f}, {similar:.3f}")
    return " | ".join(cells)


def row(photo: Path, size_px: int, out: str) -> str:
    """One photo at one size, as a row of a table."""
    words = [f"image={photo}", "stage=fine", f"max_resolution={size_px}", "rerun.mode=off", f"out={out}"]
    got = in_new_process(words, True)
    folder = Path(got["folder"])
    ply = (folder / "export" / "gaussians.ply").stat().st_size
    figures = f"{got['seconds']:.0f} | {got['peak'] / 2**30:.2f} | {got['metrics']['gaussians']:,} | {ply / 1e6:.1f}"
    return f"| {photo.name} | {size_px} | {figures} | {sharpness(folder, photo)} |"


def main() -> None:
    """Prints the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="*", default=["office.jpg", "living_room.jpg", "opera_house_a.jpg"])
    parser.add_argument("--sizes", nargs="*", type=int, default=[512, 768, 1024])
    arguments = parser.parse_args()
    print("| photo | px | processor s | peak GiB | Gaussians | PLY MB | enlarged photo | scene |\n|" + "---|" * 8)
    for name in arguments.photos:
        for size_px in arguments.sizes:
            with tempfile.TemporaryDirectory() as out:
                print(row(kitchen.data_folder() / "photos" / name, size_px, out), flush=True)


if __name__ == "__main__":
    main()
