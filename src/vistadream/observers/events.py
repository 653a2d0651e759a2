"""The file events.jsonl: every observation of a run as one line of JSON, for programs that watch or read a run."""

from __future__ import annotations

import json
import math
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor

from vistadream.core import Gaussians, Message, ObservedRun, Observer, Scene, View, group_of
from vistadream.core.knobs import FROM_0, check_ranges
from vistadream.core.names import PHOTO
from vistadream.formats.files import new_file
from vistadream.observers.newest import Line, Newest
from vistadream.observers.record import LONG_SIDE_PX, pictures
from vistadream.ops.image.pixels import shrunk

_SERIES = ("number", "progress")
"""Kinds of lines of which the newest one of a name replaces those before."""
_LIVE = "live"
"""The folder of the newest pictures, below that of the events."""


@dataclass(frozen=True)
class EventKnobs:
    """The knobs `observers.events.*`."""

    pictures_every_s: float
    """The pictures of one role are written at most once in this time."""
    lines_every_s: float
    """Numbers and progress of one name are written at most once in this time, and the last one always."""

    def __post_init__(self) -> None:
        check_ranges(self, pictures_every_s=FROM_0, lines_every_s=FROM_0)

    def open(self, run: ObservedRun) -> AbstractContextManager[Observer]:
        return EventLog(run.events, self.pictures_every_s, self.lines_every_s)


class EventLog:
    """Appends one line for each observation: number, name, step, time, kind and value. Use it in `with`, or `close` it.

    `seq` is the number of the line, from 1 on; `time` is in seconds since 1970. Pictures are written below live/, and
    the value names them by their path from the run folder. Only the newest one of a role is kept, and at most every
    `pictures_every_s` seconds: `coarse/03/hole` goes to live/coarse.hole.jpg, `load/photo/NAME` to
    live/load.photo.rgb.jpg. A line is on disk when the call returns, and a resumed run continues the file. Only numbers
    and progress that come fast are held back; the last one of a name is written before the next line of another kind.
    """

    def __init__(self, path: Path, pictures_every_s: float, lines_every_s: float = 0.0):
        self._newest, self._count = Newest(lines_every_s), 0
        self._live, self._every_s, self._written_s = path.parent / _LIVE, pictures_every_s, dict[str, float]()
        self._stream = path.open("a", encoding="utf-8")
        kept = path.read_bytes()
        self._stream.truncate(kept.rfind(b"\n") + 1)  # without the half line that a killed process may have left
        self._count = kept.count(b"\n")

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        kind, content = self._content(name, value)
        line = {"name": name, "step": step, "time": round(time.time(), 3), "kind": kind, "value": content}
        if kind in _SERIES:
            self._write(self._newest.of_a_series(name, line, time.monotonic()))
        else:
            self._write([*self._newest.before_another(), line])

    def _write(self, lines: list[Line]) -> None:
        for line in lines:
            self._count += 1
            self._stream.write(json.dumps({"seq": self._count, **line}, allow_nan=False) + "\n")
        self._stream.flush()

    def _content(self, name: str, value: Any) -> tuple[str, Any]:
        if isinstance(value, float | int):
            return "number", _for_json(value)
        if isinstance(value, Message):
            fields = _for_json(value.to_json())
            return fields.pop("kind"), fields
        role = _role(name)
        if not self._is_due(role):
            return _kind(value), _facts(value)
        if callable(value):
            return self._content(name, value())
        return _kind(value), _facts(value) | self._pictures(role, value)

    def _is_due(self, role: str) -> bool:
        """Whether the last pictures of that role are old enough."""
        return time.monotonic() - self._written_s.get(role, -math.inf) >= self._every_s

    def _pictures(self, role: str, value: Any) -> dict[str, Any]:
        """Writes the pictures of a value; their paths, by what they show."""
        written = {}
        for below, picture in pictures(value):
            target = self._live / f"{role}{f'.{below}' if below else ''}.jpg".replace("/", ".")
            with new_file(target) as draft:
                cv2.imwrite(str(draft), shrunk(picture, LONG_SIDE_PX)[..., ::-1])
            written[below or "picture"] = f"{target.parent.name}/{target.name}"
            self._written_s[role] = time.monotonic()
        return {"pictures": written} if written else {}

    def close(self) -> None:
        self._write(self._newest.before_another())
        self._stream.close()

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _role(name: str) -> str:
    """What the pictures of an event show, whichever frame or photo it is about, as the stem of a file name."""
    group = group_of(name)
    if f"/{PHOTO}/" in group:
        name = group.rpartition("/")[0] + name.removeprefix(group)
    return ".".join(word for word in name.split("/") if not word.isdigit())


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return "image" if value.ndim == 3 else "mask" if value.dtype == torch.bool else "map"
    return "later" if callable(value) else type(value).__name__.lower()


def _facts(value: Any) -> dict[str, Any]:
    """Sizes of a value in numbers."""
    match value:
        case Gaussians():
            return {"gaussians": len(value)}
        case Scene():
            return {"gaussians": len(value.gaussians), "views": [view.name for view in value.views]}
        case View():
            return {"view": value.name, "width_px": value.camera.width, "height_px": value.camera.height}
    return {}


def _for_json(value: Any) -> Any:
    """The value with null in place of NaN and infinite numbers, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _for_json(item) for key, item in value.items()}
    return [_for_json(item) for item in value] if isinstance(value, list | tuple) else value
