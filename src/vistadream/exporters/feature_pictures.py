"""Each photo next to the features that a depth model finds in it, in colors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch.nn.functional as F
from PIL import Image

from vistadream.core import ExportContext, FeatureModel, Scene
from vistadream.formats.files import new_folder
from vistadream.ops.image.pixels import to_uint8
from vistadream.ops.image.principal_colors import principal_colors

FOLDER = "feat_vis"
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class FeaturePictures:
    """One JPEG for each photo: the photo on the left, its features on the right, with the same colors for all photos.

    Each photo is read on its own.
    """

    place: ClassVar[Literal["export"]] = "export"

    backends: Mapping[str, Any]
    """Those of the run, by role; the first that is a FeatureModel is asked."""

    def __post_init__(self) -> None:
        if not any(isinstance(backend, FeatureModel) for backend in self.backends.values()):
            raise ValueError(
                "no backend of this run shows features; wanted Depth Anything 3: add backends/depth=depth_anything (of "
                "several photos backends/multi_depth=depth_anything does too), or leave feat_vis out of export="
            )

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the pictures. UserError when the model cannot be loaded."""
        model = next(each for each in self.backends.values() if isinstance(each, FeatureModel))
        colors = principal_colors(model.patch_features(scene.photos))
        with new_folder(target / FOLDER) as draft:
            for view, each in zip(scene.photos, colors, strict=True):
                size = view.rgb.shape[:2]
                large = F.interpolate(each.permute(2, 0, 1)[None], tuple(size), mode="nearest-exact")[0]
                pair = np.concatenate([to_uint8(view.rgb), to_uint8(large.permute(1, 2, 0))], axis=1)
                Image.fromarray(pair).save(draft / f"{view.name}.jpg", quality=_JPEG_QUALITY)
