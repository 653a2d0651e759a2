"""Lesson 6: several photos of one place become a scene. Their depth is measured, not guessed.

    python examples/06_several_photos.py input=photos/ recipe=quick

The input may also be a pattern such as "photos/*.jpg", a video, or a dataset with known cameras.
"""

import sys

from vistadream import job, run


def main(knobs: list[str]) -> None:
    photos = next((word.removeprefix("input=") for word in knobs if word.startswith("input=")), "")

    # First only the cameras, and the points that several photos show: export/points.glb opens in most 3D viewers.
    first = run(job(input=photos, stage="register", overrides=["export=[point_cloud]", *knobs]))
    for view in first.scene.photos:
        x, y, z = view.camera.center.tolist()
        print(f"{view.name}: taken at ({x:.2f}, {y:.2f}, {z:.2f}), focal length {view.camera.fx:.0f} px")
    print(f"{len(first.scene.points):,} points")

    # Then the scene, in the same folder: what is done is taken from disk, and the new results replace the old ones.
    scene = run(job(resume=first.folder, stage="coarse", overrides=["export=[ply,colmap]"])).scene
    print(f"{len(scene.gaussians):,} Gaussians: {first.folder / 'export' / 'gaussians.ply'}")


if __name__ == "__main__":
    main(sys.argv[1:])
