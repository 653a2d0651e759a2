"""What the readers of posed pictures have in common: names, skipped pictures, and what is said about them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jaxtyping import Float64
from torch import Tensor

from vistadream.core import Camera, Note, UserError, natural_order
from vistadream.formats.picture import read_picture
from vistadream.formats.posed_frame import Frame
from vistadream.sources.shot import DepthFile, Reading, Shot

_FAR = 1e4
"""At this distance from the origin, in units of the input, float32 holds a thousandth; maps of the earth have 1e7."""
_SAID = 3
"""How many warnings of a kind get a line of their own."""


def reading_of(
    path: Path, files: Sequence[Path], frames: Sequence[Frame], faults: Sequence[str], notes: Sequence[Note] = ()
) -> Reading:
    """The frames in the natural order of their names; those of the same picture are one, of which the last counts.

    `files` are those that name the pictures; `faults` say which pictures are left out and why. After the given `notes`
    come one for each of the first faults and one for the rest. UserError when no frame is left.
    """
    once = {os.path.abspath(frame.picture): frame for frame in frames}
    if not once:
        raise UserError(f"{path}: none of its pictures can be used: {faults[0] if faults else 'it names none'}")
    names = sorted(once, key=natural_order)
    folder = os.path.commonpath([os.path.dirname(name) for name in names])
    origin = _origin(once[names[0]].camera)
    shots = [_shot(os.path.relpath(name, folder), once[name], origin) for name in names]
    pictures = [once[name].picture for name in names]
    maps = [file for frame in once.values() for file in (frame.mask, frame.depth) if file]
    warnings = [*_few([f"left out: {fault}" for fault in faults])]
    warnings += _few([text for frame in frames for text in frame.ignored])
    if twice := len(frames) - len(once):
        warnings.append(f"{path}: {twice} entries name a picture that another one names too; the last of them counts")
    return Reading(tuple(shots), (*files, *pictures, *maps), (*notes, *(Note(text, "warning") for text in warnings)))


def _origin(camera: Camera) -> Float64[Tensor, "3"]:
    """The origin of a world in which float32 holds all poses: that of the input, or a first camera that is far off."""
    return camera.center * float(camera.center.norm() > _FAR)


def _shot(name: str, frame: Frame, origin: Float64[Tensor, "3"]) -> Shot:
    depth = DepthFile(frame.depth, frame.depth_unit) if frame.depth else None
    read = partial(read_picture, frame.picture, frame.upright)
    pose = frame.camera.cam_from_world.clone()
    pose[:3, 3] += pose[:3, :3] @ origin
    return Shot(name, read, frame.camera.at(pose.float()), True, frame.distortion, frame.mask, depth)


def _few(texts: Sequence[str]) -> list[str]:
    """The first ones, and how many more there are."""
    rest = len(texts) - _SAID
    return [*texts[:_SAID], *([f"and {rest:,} more like these"] if rest > 0 else [])]
