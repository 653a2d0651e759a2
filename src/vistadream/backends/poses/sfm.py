"""Poses from the pictures alone: COLMAP's incremental structure from motion, from several starts."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vistadream.backends.poses.groups import Lens, lenses_of
from vistadream.backends.poses.matches import Matches
from vistadream.backends.poses.matching import Matching, plain, triangulate
from vistadream.backends.poses.result import registration_of
from vistadream.backends.poses.workspace import Arrays, Workspace
from vistadream.core import Camera, Note, Registration, UserError, View
from vistadream.ops.views.two_view import relative_pose

_MANY = 30
"""More photos than this fix the focal length so well that fewer starts are enough."""
_CHANGED = 0.2
"""A focal length that was given is said to be wrong when the photos change it by more than this share."""
_LEAST_SEEN = 40
"""The fewest points that the photos of a model see on average; a few dozen matches can fit by chance."""


@dataclass(frozen=True)
class Start:
    """Focal lengths from which a model grows."""

    name: str
    lenses: tuple[Lens, ...]
    calibrate: bool = False
    """Whether they are to be replaced by those that agree with the matches of all pairs."""


@dataclass(frozen=True)
class SfmPoses(Matching):
    """Finds SIFT features, matches them, and registers photo after photo with bundle adjustment.

    Every start ends with a bundle adjustment in which wrong matches count little. The model with the most photos is
    kept, and of several the one that explains the most observations. A focal length that is known is kept if the
    pictures agree. The same seed gives the same bits: everything runs in one thread of a process of its own.
    """

    def __call__(self, views: Sequence[View]) -> Registration:
        began_s = time.perf_counter()
        with Workspace.of(views, self.seed) as work:
            matches = self.match(work)
            share = matches.require_parallax()
            model, figures, remarks = self._map(work, matches)
        if len(model["px"]) < _LEAST_SEEN * len(model["images"]):
            raise _nothing(matches)
        figures |= {"homography_share": share, "matches": matches.most(), "seconds": time.perf_counter() - began_s}
        return registration_of(model, views, figures, remarks)

    def _map(self, work: Workspace, matches: Matches) -> tuple[Arrays, dict[str, Any], list[Note]]:
        if len(work.views) == 2:
            return map_pair(work, matches)
        lenses, _ = lenses_of(work.views)
        starts = starts_of(lenses, len(work.views))
        requests = [{"cameras": plain(start.lenses), "calibrate": start.calibrate} for start in starts]
        photos = len(work.views)
        model = work.run("map", starts=requests, cameras=plain(lenses), pictures=photos, map_again=photos <= _MANY)
        if "best" not in model:
            raise _nothing(matches)
        figures = {"start": starts[int(model["best"])].name, "starts": _told(starts, model["scores"].tolist())}
        return model, figures, _on_focal(model, work.views)


def starts_of(lenses: Sequence[Lens], photos: int) -> list[Start]:
    """Several focal lengths to start from, since a model that grows from a wrong one may never find the right one."""
    own = Start("given or guessed", tuple(lenses))
    normal, tele = (Start(f"{f:g} long sides", tuple(lens.guessed(f) for lens in lenses)) for f in (1.2, 1.8))
    if all(lens.known for lens in lenses):
        free = tuple(Lens(**(asdict(lens) | {"known": False})) for lens in lenses)
        return [own, Start("given, not trusted", free), Start("1.2 long sides", tuple(f.guessed(1.2) for f in free))]
    calibrated = Start("agrees with all pairs", normal.lenses, calibrate=True)
    return [own, calibrated] if photos > _MANY else [own, calibrated, normal, tele]


def _told(starts: Sequence[Start], scores: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
    """What each start led to, as data for JSON; later ones are missing when the first ones agreed."""
    return {
        start.name: {"registered": int(n), "points": int(points), "reprojection_error_px": error_px, "support": support}
        for start, (n, points, error_px, support) in zip(starts, scores, strict=False)
    }


def _on_focal(model: Arrays, views: Sequence[View]) -> list[Note]:
    """What to know about the focal length: that the photos contradict what was given, or do not fix it."""
    if model["guess_kept"]:
        return [_on_open_focal(views[model["images"][0]].camera, "these photos do")]
    for i, K in zip(model["images"], model["K"], strict=True):
        given, found = views[i].camera.fx, float(K[0, 0])
        if views[i].focal_known and abs(found / given - 1) > _CHANGED:
            text = f"the focal length of {views[i].name} is given as {given:.0f} px, but the photos fit {found:.0f} px"
            return [Note(text, "warning")]
    return []


def _on_open_focal(camera: Camera, photos_do: str) -> Note:
    fov_deg = 2 * math.degrees(math.atan(max(camera.width, camera.height) / 2 / camera.fx))
    text = f"{photos_do} not fix the focal length: a field of view of {fov_deg:.0f} degrees was taken, and may be wrong"
    return Note(f"{text}; more photos fix it, or camera.focal_px", "warning")


def map_pair(work: Workspace, matches: Matches) -> tuple[Arrays, dict[str, Any], list[Note]]:
    """The model of two photos, of which COLMAP often makes none; UserError when their matches fit no two cameras."""
    if not matches.pairs:
        raise _nothing(matches)
    (pair,) = matches.pairs
    known = all(view.focal_known for view in work.views)
    found = relative_pose(pair.px1, pair.px2, (work.views[0].camera, work.views[1].camera), known)
    if found is None:
        raise _nothing(matches)
    lenses = [Lens(c.width, c.height, c.fx, c.fy, c.cx, c.cy, known=True) for c in found.cameras]
    model = triangulate(work, lenses, [c.cam_from_world.tolist() for c in found.cameras], refine=True)
    return model, {"start": "two photos"}, [] if known else [_on_open_focal(found.cameras[0], "two photos do")]


def _nothing(matches: Matches) -> UserError:
    photos, most = len(matches.views), max(matches.most().values())
    return UserError(
        f"none of the {photos} photos could be registered: pairs that match: {len(matches.pairs)}, the best one in "
        f"{most} places; wanted 100 or more in most pairs: take photos of one scene that show the same things, each "
        "from a step to the side of the one before"
    )
