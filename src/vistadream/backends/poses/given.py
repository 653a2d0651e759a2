"""Poses that the input brings: checked against the pictures, and adjusted to them on request."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vistadream.backends.poses.agreement import agreement_of
from vistadream.backends.poses.lenses import lenses_of
from vistadream.backends.poses.matching import Matching
from vistadream.backends.poses.result import registration_of
from vistadream.backends.poses.unit import in_unit_of
from vistadream.backends.poses.workspace import Workspace
from vistadream.core import Note, Registration, UserError, View


@dataclass(frozen=True)
class GivenPoses(Matching):
    """Keeps the poses of the Views and finds points that fit them; Views without a pose are left out.

    The poses are compared with the matches of the pictures, and a misfit is a warning with its size and likely cause.
    """

    refine: bool
    """Whether the given poses are only a start, and are adjusted to the pictures."""

    def __call__(self, views: Sequence[View]) -> Registration:
        posed = [view for view in views if view.pose_known]
        if len(posed) < 2:
            raise UserError(
                f"backends/poses=given: {len(posed)} of {len(views)} photos have a pose; wanted two or more: use "
                "backends/poses=sfm, which finds them"
            )
        began_s = time.perf_counter()
        with Workspace.of(posed, self.seed) as work:
            matches = self.match(work)
            agreement = agreement_of(matches)
            lenses, _ = lenses_of(posed)
            poses = [view.camera.cam_from_world.tolist() for view in posed]
            model = work.triangulate(lenses, poses, self.refine)
        remark = agreement.remark
        if self.refine and agreement.error_px is not None:
            remark = Note(f"the given poses, which missed the pictures by {agreement.error_px:.1f} px, were adjusted")
        figures = {
            "start": "given",
            "epipolar_error_px": agreement.error_px,
            "matches": matches.most(),
            "seconds": time.perf_counter() - began_s,
        }
        found = registration_of(model, posed, figures, [remark] if remark else [])
        if self.refine:
            return in_unit_of(posed, found)
        return replace(found, cameras={view.name: view.camera for view in posed}, keeps_unit=True)
