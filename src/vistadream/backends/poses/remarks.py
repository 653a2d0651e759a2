"""What people should know about a registration from pictures alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vistadream.backends.poses.matches import Matches
from vistadream.colmap.process import Arrays
from vistadream.core import Camera, Note, UserError, View

_CHANGED = 0.2
"""A focal length that was given is said to be wrong when the photos change it by more than this share."""


def on_focal(model: Arrays, views: Sequence[View]) -> list[Note]:
    """What to know about the focal length: that the photos contradict what was given, or do not fix it."""
    if model["guess_kept"]:
        return [on_open_focal(views[model["images"][0]].camera, "these photos do")]
    for i, K in zip(model["images"], model["K"], strict=True):
        given, found = views[i].camera.fx, float(K[0, 0])
        if views[i].focal_known and abs(found / given - 1) > _CHANGED:
            text = f"the focal length of {views[i].name} is given as {given:.0f} px, but the photos fit {found:.0f} px"
            return [Note(text, "warning")]
    return []


def on_open_focal(camera: Camera, photos_do: str) -> Note:
    fov_deg = 2 * math.degrees(math.atan(max(camera.width, camera.height) / 2 / camera.fx))
    text = f"{photos_do} not fix the focal length: a field of view of {fov_deg:.0f} degrees was taken, and may be wrong"
    return Note(f"{text}; more photos fix it, or camera.focal_px", "warning")


def nothing_registered(matches: Matches) -> UserError:
    photos, most = len(matches.views), max(matches.most().values())
    return UserError(
        f"none of the {photos} photos could be registered: pairs that match: {len(matches.pairs)}, the best one in "
        f"{most} places; wanted 100 or more in most pairs: take photos of one scene that show the same things, each "
        "from a step to the side of the one before"
    )
