"""Poses by Depth Anything 3, checked against the matches of the pictures, with points that fit them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth_anything.any_view import AnyView
from vistadream.backends.poses.agreement import median_error_px
from vistadream.backends.poses.lenses import lenses_of
from vistadream.backends.poses.matching import Matching
from vistadream.backends.poses.result import registration_of
from vistadream.backends.poses.unit import in_unit_of
from vistadream.backends.poses.workspace import Workspace
from vistadream.core import Note, Registration, UserError, View

MOST_ERROR_PX = 2.0
"""Poses with a larger median epipolar error are said not to fit the pictures."""


class Misfit(UserError):
    """Poses that miss the matches of the pictures by MOST_ERROR_PX or more, or could not be checked."""


@dataclass(frozen=True)
class DepthAnythingPoses(Matching):
    """The cameras that Depth Anything 3 finds, of all photos, in the world of the poses that some Views may have.

    The matches of the pictures check the cameras, and become the points. Depth Anything 3 does not read given poses
    here: they only say where the world is.
    """

    NEEDS = AnyView.NEEDS

    network: AnyView
    refine: bool
    """Whether the poses are only a start, and are adjusted to the pictures."""

    def __call__(self, views: Sequence[View]) -> Registration:
        return self.placed(views, must_fit=False)

    def placed(self, views: Sequence[View], must_fit: bool) -> Registration:
        """The cameras of all Views and their points. With `must_fit`, Misfit for poses that do not fit the matches."""
        if len(views) < 2:
            raise UserError(f"backends/poses=depth_anything: got {len(views)} photos; wanted two or more")
        began_s = time.perf_counter()
        with Workspace.of(views, self.seed) as work:
            matches = self.match(work)
            share = matches.require_parallax()
            posed = self._posed(views)
            error_px = median_error_px(replace(matches, views=posed))
            if must_fit and not _fits(error_px):
                raise Misfit(f"the poses of Depth Anything 3 {_misses(error_px)}")
            poses = [view.camera.cam_from_world.tolist() for view in posed]
            model = work.triangulate(lenses_of(posed)[0], poses, self.refine)
        figures = {
            "start": "depth_anything",
            "model": self.network.entry.name,
            "epipolar_error_px": error_px,
            "homography_share": share,
            "matches": matches.most(),
            "seconds": time.perf_counter() - began_s,
        }
        found = registration_of(model, posed, figures, _remarks(error_px, self.refine))
        if not self.refine:
            found = replace(found, cameras={view.name: view.camera for view in posed})
        return in_unit_of(views, found)

    def patch_features(self, views: Sequence[View]) -> list[Float[Tensor, "h w c"]]:
        """See `core.FeatureModel`."""
        return self.network.patch_features(views)

    def _posed(self, views: Sequence[View]) -> list[View]:
        """The Views with the cameras that the network finds from their pictures alone."""
        found = self.network([replace(view, pose_known=False) for view in views])
        return [
            replace(view, camera=prediction.camera, pose_known=True)
            for view, prediction in zip(views, found, strict=True)
        ]


def _fits(error_px: float | None) -> bool:
    return error_px is not None and error_px < MOST_ERROR_PX


def _misses(error_px: float | None) -> str:
    """How poses do not fit the matches, in words."""
    if error_px is None:
        return "could not be checked: no two photos with matches moved"
    return f"miss the pictures by {error_px:.1f} px, and under {MOST_ERROR_PX:g} px is wanted"


def _remarks(error_px: float | None, refined: bool) -> list[Note]:
    """What to know about how the poses fit the matches."""
    if _fits(error_px):
        return []
    if refined and error_px is not None:
        return [Note(f"the poses of Depth Anything 3, which missed the pictures by {error_px:.1f} px, were adjusted")]
    helps = (
        ": backends.poses.refine=true adjusts them, a larger model is better (backends.poses.network.model), and "
        "backends/poses=sfm finds poses without them"
    )
    return [Note(f"the poses of Depth Anything 3 {_misses(error_px)}{helps if error_px else ''}", "warning")]
