"""Each photo next to its depth in colors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from PIL import Image

from vistadream.core import ExportContext, Scene, UserError, View
from vistadream.formats.files import new_folder
from vistadream.ops.image.colormap import depth_colors, depth_range
from vistadream.ops.image.pixels import to_uint8
from vistadream.ops.views.point_cloud import has_depth

FOLDER = "depth_vis"
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class DepthPictures:
    """One JPEG for each photo: the photo on the left, its depth on the right, with the same colors for all photos."""

    place: ClassVar[Literal["export"]] = "export"

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the pictures; UserError when no photo has depth."""
        photos = [view for view in scene.photos if view.z is not None]
        if not photos:
            raise UserError(
                "export=[depth_vis]: no photo has depth; wanted a scene with depth: take a later stage=, or leave "
                "depth_vis out"
            )
        near, far = _common_range(photos)
        with new_folder(target / FOLDER) as draft:
            for view in photos:
                depth = depth_colors(view.depth, has_depth(view), near, far)
                pair = np.concatenate([to_uint8(view.rgb), depth], axis=1)
                Image.fromarray(pair).save(draft / f"{view.name}.jpg", quality=_JPEG_QUALITY)


def _common_range(photos: Sequence[View]) -> tuple[float, float]:
    z = torch.cat([view.depth.flatten() for view in photos])
    known = torch.cat([has_depth(view).flatten() for view in photos])
    return depth_range(z[None], known[None])
