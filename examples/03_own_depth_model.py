"""Lesson 3: use a depth model of your own.

    python examples/03_own_depth_model.py image=photo.jpg recipe=quick

A depth model is any object with the call of `vistadream.core.DepthEstimator`. This one assumes a floor below the camera
and a wall behind it. Put your network in its place.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vistadream.assets import sample_image
from vistadream.config import compose
from vistadream.core import DepthPrediction, Note, Scene, View
from vistadream.formats.ply import write_ply


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


def observe(name: str, value: object, step: int | None = None) -> None:
    """What the stages report: here only the text lines are shown."""
    if isinstance(value, Note):
        print(f"{name}: {value.text}")


def main(knobs: list[str]) -> None:
    sample = [] if any(knob.startswith("image=") for knob in knobs) else [f"image={sample_image()}"]
    composed = compose([*sample, *knobs])
    scene = Scene()
    for name in ("load", "outpaint", "initialize", "coarse"):
        stage = composed.build(f"stages.{name}")
        if name in ("initialize", "coarse"):  # the two stages that ask for depth
            stage = replace(stage, depth=FloorAndWall())
        scene = stage(scene, observe)
    write_ply(scene.gaussians, Path("own_depth.ply"))
    print(f"{len(scene.gaussians):,} Gaussians in own_depth.ply")


if __name__ == "__main__":
    main(sys.argv[1:])
