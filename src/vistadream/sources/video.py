"""A video file as shots: of each short window of time the sharpest frame."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from vistadream.core import Note, UserError
from vistadream.formats.picture import PictureFacts
from vistadream.formats.video_frames import duration_s, frames_at, small_gray_frames
from vistadream.ops.views.selection import LOOK_PX, Look, look_of, thinned
from vistadream.sources.shot import Reading, Shot

_TRIED = 12
"""Frames of each window that are looked at."""
_FASTEST = 60.0
"""Frames per second that are looked at, at most, unless more are asked for."""
_MISSING_S = 1.0
"""Seconds at the end that a file may lack unnoticed, since sound can be longer than the picture."""


def read_video(path: Path, fps: float, most: int) -> Reading:
    """The sharpest frame of each window of 1 / `fps` seconds; of more than `most` the sharpest of longer windows.

    UserError when no frame can be decoded.
    """
    rate = max(fps, min(_FASTEST, _TRIED * fps))
    looks, count = _best_of_windows(path, fps, rate)
    numbers = list(looks)
    numbers = [numbers[i] for i in thinned([looks[number].sharpness for number in numbers], most)]
    frames = _Forward(path, rate, numbers)
    shots = tuple(_shot(path, number, rate, looks[number], frames) for number in numbers)
    return Reading(shots, (path,), _remarks(path, count / rate))


def _best_of_windows(path: Path, fps: float, rate: float) -> tuple[dict[int, Look], int]:
    """The look of the sharpest frame of each window by its number, in order of time, and the number of frames."""
    best: dict[int, tuple[int, Look]] = {}
    number = -1
    for number, gray in enumerate(small_gray_frames(path, rate, LOOK_PX)):
        window, look = int(number / rate * fps + 1e-9), look_of(gray)
        if window not in best or look.sharpness > best[window][1].sharpness:
            best[window] = (number, look)
    if not best:
        raise UserError(f"no frame of {path} can be decoded; wanted a whole video file: save or convert it again")
    return dict(best.values()), number + 1


def _remarks(path: Path, decoded_s: float) -> tuple[Note, ...]:
    says = duration_s(path)
    if says is None or decoded_s > says - _MISSING_S:
        return ()
    return (Note(f"{path} is damaged: {decoded_s:.1f} of its {says:.1f} seconds could be decoded", "warning"),)


def _shot(path: Path, number: int, rate: float, look: Look, frames: _Forward) -> Shot:
    time_s = number / rate
    name = f"{path.stem} {time_s:.2f} s"
    return Shot(name, lambda: (frames.read(number), PictureFacts(None)), look=lambda: look, time_s=time_s)


class _Forward:
    """Decodes the chosen frames one after the other, so that only one is in memory; going back starts again."""

    def __init__(self, path: Path, rate: float, numbers: list[int]):
        self._open = partial(frames_at, path, rate, numbers)
        self._path, self._numbers = path, numbers
        self._coming: Iterator[tuple[int, np.ndarray]] = iter(())
        self._passed = numbers[-1]

    def read(self, number: int) -> Image.Image:
        """The frame of that number, which must be a chosen one."""
        if number <= self._passed:
            self._coming = zip(self._numbers, self._open(), strict=False)
        for passed, frame in self._coming:
            self._passed = passed
            if passed == number:
                return Image.fromarray(frame)
        raise UserError(
            f"frame {number} of {self._path} cannot be decoded a second time; wanted a file that stays as it is"
        )
