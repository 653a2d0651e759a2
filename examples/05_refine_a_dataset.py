"""Lesson 5: export a scene as a dataset of posed views, and refine Gaussians against it.

    python examples/05_refine_a_dataset.py image=photo.jpg recipe=quick

The dataset has pictures, cameras, depth, normals and masks. COLMAP and trainers of 3D Gaussians open it too.
"""

import json
import subprocess
import sys

from vistadream import single_image


def main(knobs: list[str]) -> None:
    run = single_image(stage="coarse", overrides=["export=[ply,fastgs,metrics,report]", *knobs])
    dataset, result = run.folder / "export" / "fastgs", run.folder.parent / "refined"

    # The start may come from any program that writes 3DGS PLY files. Here it is the scene itself.
    command = [sys.executable, "-m", "vistadream", "refine", "--dataset-dir", dataset, "--result-dir", result]
    command += ["--init-gaussians", run.folder / "export" / "gaussians.ply"]
    command += ["stages.refine.steps=20", "rerun.mode=off"]
    subprocess.run([str(word) for word in command], check=True)

    # refine_meta.json has the figures of every view, and their means, before and after.
    mean = json.loads((result / "refine_meta.json").read_text())["mean"]
    for figure in ("psnr_db", "ssim", "depth_abs_rel"):
        print(f"{figure}: {mean['before'][figure]:.4f} -> {mean['after'][figure]:.4f}")
    print(f"refined scene: {result / 'gaussians_refined.ply'}")


if __name__ == "__main__":
    main(sys.argv[1:])
