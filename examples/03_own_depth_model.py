"""Lesson 3: use a depth model of your own.

    python examples/03_own_depth_model.py image=photo.jpg recipe=quick

A depth model is any object with the call of `vistadream.core.DepthEstimator`. This one assumes a floor below the camera
and a wall behind it. Put your network in its place.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

import vistadream
from vistadream.core import DepthPrediction, View


@dataclass(frozen=True)
class FloorAndWall:
    camera_height_m: float = 1.5
    wall_m: float = 5.0

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """z of every pixel, in meters along the camera's axis. `view.rgb` "h w 3" in [0, 1] is what a network reads."""
        return [self._predict(view) for view in views]

    def _predict(self, view: View) -> DepthPrediction:
        camera = view.camera
        rows = torch.arange(camera.height) + 0.5  # pixel centers lie at +0.5
        down = ((rows - camera.cy) / camera.fy).clamp(min=1e-6)  # slope of the ray; y points down
        floor = self.camera_height_m / down
        z = floor.clamp(max=self.wall_m)[:, None].repeat(1, camera.width)
        return DepthPrediction(z, valid=torch.isfinite(z), camera=camera, is_metric=True)


def main(knobs: list[str]) -> None:
    job = vistadream.job(stage="coarse", overrides=knobs, depth=FloorAndWall())
    run = vistadream.run(job)

    # run.json and config.yaml name the class with its fields. A changed field makes the stages that ask for depth run
    # again when the run is resumed: vistadream.job(resume=run.folder, depth=FloorAndWall(wall_m=4.0)).
    print(f"{len(run.scene.gaussians):,} Gaussians in {run.folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
