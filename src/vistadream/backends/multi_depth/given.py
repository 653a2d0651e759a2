"""The measured depth that came with the photos."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vistadream.core import DepthPrediction, Scene, UserError, View


@dataclass(frozen=True)
class MeasuredDepth:
    """Depth maps of the input, as of a depth camera or a renderer."""

    def __call__(self, scene: Scene) -> list[DepthPrediction]:
        """One prediction for each photo; nothing is valid in a photo without a map. UserError when none has one."""
        if all(view.z is None for view in scene.photos):
            raise UserError(
                "backends/multi_depth=given: no photo has a depth map; wanted depth_file_path in transforms.json, or "
                "backends/multi_depth=sweep"
            )
        return [measured(view, scene.is_metric) for view in scene.photos]


def measured(view: View, is_metric: bool) -> DepthPrediction:
    """The measured depth of a photo as a prediction; 0 is unknown."""
    z = torch.zeros_like(view.rgb[..., 0]) if view.z is None else view.z
    return DepthPrediction(z, (z > 0) & z.isfinite() & view.lift, view.camera, is_metric)
