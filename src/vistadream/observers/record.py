"""The data of the report: the newest picture of every name, curves, charts and notes; saved for resumed runs."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vistadream.core import Chart, DepthPrediction, Note, Rendering, Scene, StageFinished, Summary, View, is_plain_name
from vistadream.formats.json_file import read_json
from vistadream.ops.image.colormap import depth_colors, depth_range
from vistadream.ops.image.pixels import shrunk, to_uint8

Picture = UInt8[np.ndarray, "h w 3"]
LONG_SIDE_PX = 640
_FILE = "seen.json"


class Record:
    """Collects values by event name. `save` and `load` handle the events of one stage, whose names begin with its name.

    For values with a step it stores scalars only, not images.
    """

    def __init__(self) -> None:
        self.images: dict[str, Picture] = {}
        """RGB, long side at most 640 px. Depth is shown in turbo colors of 1/z, masks are white on black."""
        self.curves: dict[str, list[tuple[int, float]]] = {}
        """(step, value) in the order of their arrival."""
        self.charts: dict[str, Chart] = {}
        self.notes: list[tuple[str, Note]] = []
        self.summaries: dict[str, Summary] = {}
        self.seconds: dict[str, float] = {}
        """Duration of each finished stage."""
        self.resumed: set[str] = set()
        """Stages whose results were loaded from disk."""

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        if step is not None and not isinstance(value, float):
            return
        value = value() if callable(value) else value
        match value:
            case StageFinished():
                self.seconds[value.stage] = value.seconds
                self.resumed |= {value.stage} if value.resumed else set()
            case Chart():
                self.charts[name] = value
            case Note():
                self.notes.append((name, value))
            case Summary():
                self.summaries[name] = value
            case float():
                curve = self.curves.setdefault(name, [])
                curve.append((len(curve) if step is None else step, value))
            case _:
                for below, picture in pictures(value):
                    self.images[f"{name}/{below}".rstrip("/")] = shrunk(picture, LONG_SIDE_PX)

    def save(self, stage: str, folder: Path) -> None:
        """Writes the data of a stage into `folder`: seen.json and PNG files."""
        folder.mkdir(parents=True, exist_ok=True)
        images = _of(stage, self.images)
        files = {name: f"{name.replace('/', '.')}.png" for name in images}
        for name, picture in images.items():
            _write_png(folder / files[name], picture)
        facts = {
            "images": files,
            "curves": _of(stage, self.curves),
            "charts": {name: asdict(chart) for name, chart in _of(stage, self.charts).items()},
            "notes": [(name, note.text, note.level) for name, note in self.notes if _is_of(stage, name)],
            "summaries": {name: asdict(summary) for name, summary in _of(stage, self.summaries).items()},
        }
        (folder / _FILE).write_text(json.dumps(facts, indent=1))
        for name, summary in _of(stage, self.summaries).items():
            (folder / f"{name.replace('/', '_')}.json").write_text(json.dumps(summary.data, indent=2) + "\n")

    def load(self, stage: str, folder: Path) -> None:
        """Loads what `save` wrote; does nothing when the folder has no data."""
        if not (folder / _FILE).exists():
            return
        facts = read_json(folder / _FILE, finite=False)
        if odd := [file for file in facts["images"].values() if not is_plain_name(file)]:
            raise ValueError(f"{_FILE} names a picture {odd[0]!r}; wanted a plain file name, without a folder")
        self.images |= {name: _read_png(folder / file) for name, file in facts["images"].items()}
        self.curves |= {name: [(int(s), float(v)) for s, v in curve] for name, curve in facts["curves"].items()}
        self.charts |= {name: _chart(**chart) for name, chart in facts["charts"].items()}
        self.notes += [(name, Note(text, level)) for name, text, level in facts["notes"]]
        self.summaries |= {name: Summary(**summary) for name, summary in facts["summaries"].items()}


@functools.singledispatch
def pictures(value: Any) -> Iterator[tuple[str, Picture]]:
    """The pictures of a value, each with the path below its name; empty for a value without pictures."""
    yield from ()


@pictures.register
def _(value: Tensor) -> Iterator[tuple[str, Picture]]:
    if value.ndim == 3:
        yield "", to_uint8(value)
    elif value.dtype == torch.bool:
        yield "", to_uint8(value[..., None].expand(-1, -1, 3).float())
    elif value.ndim == 2:
        yield "", _depth(value)


@pictures.register
def _(value: View) -> Iterator[tuple[str, Picture]]:
    yield "rgb", to_uint8(value.rgb)
    if value.z is not None:
        yield "z", _depth(value.z)


@pictures.register
def _(value: Rendering) -> Iterator[tuple[str, Picture]]:
    if value.rgb is not None:
        yield "rgb", to_uint8(value.rgb)
    if value.z is not None:
        yield "z", _depth(value.z)


@pictures.register
def _(value: DepthPrediction) -> Iterator[tuple[str, Picture]]:
    yield "z", _depth(torch.where(value.valid, value.z, 0.0))
    for source in value.sources:
        yield f"{source.name} with weight {source.weight:.2f}", _depth(source.z)


@pictures.register
def _(value: Scene) -> Iterator[tuple[str, Picture]]:
    for view in value.views:
        yield from ((f"{view.name}/{below}", picture) for below, picture in pictures(view))


def _depth(z: Float[Tensor, "h w"]) -> Picture:
    known = torch.isfinite(z) & (z > 0)
    return depth_colors(torch.where(known, z, 1.0), known, *depth_range(z, known))


def _is_of(stage: str, name: str) -> bool:
    return name.startswith(f"{stage}/")


def _of(stage: str, named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if _is_of(stage, name)}


def _chart(title: str, x: list, y: list, band: list | None, chosen: int | None) -> Chart:
    return Chart(title, tuple(map(float, x)), tuple(map(float, y)), (band[0], band[1]) if band else None, chosen)


def _write_png(path: Path, picture: Picture) -> None:
    _, data = cv2.imencode(".png", picture[..., ::-1])
    path.write_bytes(data.tobytes())


def _read_png(path: Path) -> Picture:
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
