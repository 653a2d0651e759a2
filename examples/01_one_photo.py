"""Lesson 1: one photo becomes a scene of 3D Gaussians.

    python examples/01_one_photo.py image=photo.jpg recipe=quick

Arguments are knobs, as for the command `vistadream single-img`. Without image= the sample photo is used.
"""

import sys

from vistadream import single_image


def main(knobs: list[str]) -> None:
    run = single_image(stage="coarse", overrides=knobs)  # "fine" refines the scene further, and takes longer

    # The scene is a plain value: Gaussians, and the views that they were fitted to.
    gaussians = run.scene.gaussians
    print(f"{len(gaussians):,} Gaussians, the farthest at z = {gaussians.means[:, 2].max():.1f}")
    for view in run.scene.views:
        painted = view.generated.float().mean()
        print(f"{view.name}: {view.camera.width}x{view.camera.height} pixels, {painted:.0%} of them painted")

    # The run folder holds the same on disk: the report, the PLY file, the video.
    print(f"report: {run.folder / 'report.html'}")
    print(f"scene for any 3DGS viewer: {run.folder / 'export' / 'gaussians.ply'}")


if __name__ == "__main__":
    main(sys.argv[1:])
