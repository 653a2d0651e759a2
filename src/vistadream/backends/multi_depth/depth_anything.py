"""The depth of all photos in one call of Depth Anything 3, which reads their poses too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth_anything.any_view import AnyView
from vistadream.backends.multi_depth.single import at_scale_of_points
from vistadream.core import DepthPrediction, Scene, View


@dataclass(frozen=True)
class AnyViewDepth:
    """Reads the photos together with their poses as a condition, and brings the depth to the scale of the scene.

    The scale is that of the poses, and then, photo by photo, of the points that the photo sees.
    """

    NEEDS = AnyView.NEEDS

    network: AnyView

    def __call__(self, scene: Scene) -> list[DepthPrediction]:
        """One prediction for each photo, in the unit of the scene."""
        photos = [replace(view, pose_known=True, focal_known=True) for view in scene.photos]
        return at_scale_of_points(self.network(photos), scene)

    def patch_features(self, views: Sequence[View]) -> list[Float[Tensor, "h w c"]]:
        """See `core.FeatureModel`."""
        return self.network.patch_features(views)
