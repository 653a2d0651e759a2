"""The model of two photos."""

from __future__ import annotations

from typing import Any

from vistadream.backends.poses.lenses import Lens
from vistadream.backends.poses.matches import Matches
from vistadream.backends.poses.remarks import nothing_registered, on_open_focal
from vistadream.backends.poses.workspace import Workspace
from vistadream.colmap.process import Arrays
from vistadream.core import Note
from vistadream.ops.views.two_view import relative_pose


def map_pair(work: Workspace, matches: Matches) -> tuple[Arrays, dict[str, Any], list[Note]]:
    """The model of two photos, of which COLMAP often makes none; UserError when their matches fit no two cameras."""
    if not matches.pairs:
        raise nothing_registered(matches)
    (pair,) = matches.pairs
    known = all(view.focal_known for view in work.views)
    found = relative_pose(pair.px1, pair.px2, (work.views[0].camera, work.views[1].camera), known)
    if found is None:
        raise nothing_registered(matches)
    lenses = [Lens(c.width, c.height, c.fx, c.fy, c.cx, c.cy, known=True) for c in found.cameras]
    model = work.triangulate(lenses, [c.cam_from_world.tolist() for c in found.cameras], refine=True)
    return model, {"start": "two photos"}, [] if known else [on_open_focal(found.cameras[0], "two photos do")]
