"""Whether given poses fit the pictures, and what they probably are where they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vistadream.backends.poses.matches import Matches
from vistadream.core import Camera, Note
from vistadream.ops.views.epipolar import epipolar_error_px

_MISFIT_PX = 0.75
"""Above this median epipolar error the poses are said not to fit. Poses that fit have 0.2 to 0.3 px. The error counts
only what lies across the epipolar lines, so that even matrices that are inverted by mistake may have just 2 px."""
_BETTER = 0.5
"""A reading of the poses explains a misfit if it lowers the error to less than this share, and below `_MISFIT_PX`."""
_FLIP = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0]))


def _inverse(pose: Tensor) -> Tensor:
    return torch.linalg.inv(pose.double()).to(pose)


READINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "they fit when inverted: camera-to-world was taken for world-to-camera": _inverse,
    "they fit with y and z of the cameras turned around: OpenGL's axes were taken for OpenCV's": lambda p: _FLIP @ p,
    "they fit when inverted, with y and z of the cameras turned around": lambda p: _FLIP @ _inverse(p),
}
"""Other meanings of the numbers of a pose, and how they become a `cam_from_world`."""


@dataclass(frozen=True)
class Agreement:
    """How given poses and the matches of the pictures agree."""

    error_px: float | None
    """Median epipolar error of the matches; None where no two photos match, or all stand at one place."""
    remark: Note | None
    """A warning where they do not agree, or where nothing could be checked."""


def agreement_of(matches: Matches) -> Agreement:
    """Compares the poses of the Views with the matches of their pictures."""
    error_px = median_error_px(matches)
    if error_px is None:
        return Agreement(
            None, Note("the given poses could not be checked: no two photos with matches moved", "warning")
        )
    if error_px <= _MISFIT_PX:
        return Agreement(error_px, None)
    return Agreement(
        error_px,
        Note(f"the given poses miss the pictures by {error_px:.1f} px; {_cause(matches, error_px)}", "warning"),
    )


def _cause(matches: Matches, error_px: float) -> str:
    """The reading of the poses that fits; else what else may be the matter."""
    for words, reading in READINGS.items():
        other = median_error_px(matches, reading)
        if other is not None and other < min(_MISFIT_PX, _BETTER * error_px):
            return f"{words} ({other:.1f} px)"
    return (
        "they may be another sensor's, or of another time: backends.poses.refine=true adjusts them, and "
        "backends/poses=sfm finds them from the pictures"
    )


def median_error_px(matches: Matches, reading: Callable[[Tensor], Tensor] = lambda pose: pose) -> float | None:
    """The median epipolar error of all matches of all pairs, in pixels; None where nothing can be measured."""
    cameras = [_read(view.camera, reading) for view in matches.views]
    errors = [epipolar_error_px(p.px1, p.px2, cameras[p.first], cameras[p.second]) for p in matches.pairs]
    joined = torch.cat([torch.zeros(0), *errors])
    known = joined[joined.isfinite()]
    return float(known.median()) if len(known) else None


def _read(camera: Camera, reading: Callable[[Tensor], Tensor]) -> Camera:
    return camera.at(reading(camera.cam_from_world))
