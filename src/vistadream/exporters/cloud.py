"""What the exporters of colored points have in common."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core import Scene, UserError
from vistadream.core.knobs import FROM_1, check_ranges
from vistadream.ops.views.point_cloud import PointCloud, point_cloud


@dataclass(frozen=True)
class CloudKnobs:
    """Which pixels of the photos become points, and how many."""

    conf_percentile: float
    """Pixels whose confidence is below this percentile of all photos are left out, in percent."""
    max_points: int
    """Of more pixels this many are taken at random, always the same."""

    def __post_init__(self) -> None:
        check_ranges(self, conf_percentile=(0, 100), max_points=FROM_1)

    def cloud_of(self, scene: Scene) -> PointCloud:
        """The trusted pixels of the photos; the points that registration found if no photo has depth."""
        cloud = point_cloud(scene.photos, self.conf_percentile, self.max_points)
        if not len(cloud) and scene.points is not None:
            return PointCloud(scene.points.xyz, scene.points.rgb)
        return cloud

    def require_cloud_of(self, scene: Scene, name: str) -> PointCloud:
        """The same; UserError for the result `name` when there are no points."""
        return _required(self.cloud_of(scene), name)

    def require_oriented_cloud_of(self, scene: Scene, name: str) -> PointCloud:
        """The trusted pixels of the photos with normals; UserError for the result `name` when there are none."""
        return _required(point_cloud(scene.photos, self.conf_percentile, self.max_points, with_normals=True), name)


def _required(cloud: PointCloud, name: str) -> PointCloud:
    if not len(cloud):
        raise UserError(
            f"export=[{name}]: no pixel of a photo has depth; wanted a scene with depth: take a later stage=, or "
            f"leave {name} out"
        )
    return cloud
