"""What the readers of posed pictures have in common: names, skipped pictures, and what is said about them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from vistadream.core import Note, UserError, natural_order
from vistadream.formats.picture import read_picture
from vistadream.formats.posed_frame import Frame
from vistadream.sources.shot import DepthFile, Reading, Shot

_SAID = 3
"""How many faults get a line of their own."""


def reading_of(path: Path, files: Sequence[Path], frames: Sequence[Frame], faults: Sequence[str]) -> Reading:
    """The frames in the natural order of their names, with a Note for each of the first faults and one for the rest.

    `files` are those that name the pictures. UserError when no frame is left.
    """
    once = {os.path.abspath(frame.picture): frame for frame in frames}
    if not once:
        raise UserError(f"{path}: none of its pictures can be used: {faults[0]}")
    pictures = sorted(once, key=natural_order)
    common = os.path.commonpath([os.path.dirname(picture) for picture in pictures])
    shots = tuple(_shot(os.path.relpath(picture, common), once[picture]) for picture in pictures)
    maps = (file for shot in shots for file in (shot.mask, shot.depth and shot.depth.path) if file)
    twice = [f"{len(frames) - len(once)} frames name a picture that another frame names; the last counts"]
    remarks = _remarks(path, [*faults, *twice] if len(once) < len(frames) else faults)
    return Reading(shots, (*files, *(once[picture].picture for picture in pictures), *maps), remarks)


def _shot(name: str, frame: Frame) -> Shot:
    depth = DepthFile(frame.depth, frame.depth_unit) if frame.depth else None
    read = partial(read_picture, frame.picture, frame.upright)
    return Shot(name, read, frame.camera, True, frame.distortion, frame.mask, depth)


def _remarks(path: Path, faults: Sequence[str]) -> tuple[Note, ...]:
    said = [f"{path}: {fault}" for fault in faults[:_SAID]]
    if (rest := len(faults) - _SAID) > 0:
        said.append(f"{path}: and {rest} more like these")
    return tuple(Note(text, "warning") for text in said)
