"""One HTML page that shows a run. It is self-contained: it can be mailed, and it loads nothing from a network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from vistadream.core import Chart, Note, Summary, group_of
from vistadream.core.names import PHOTO
from vistadream.exporters.report import html, svg
from vistadream.exporters.report.photos import cards, photo_table
from vistadream.exporters.report.plan import CAPTION as PLAN_CAPTION

Picture = UInt8[np.ndarray, "h w 3"]
_GAUSSIANS = (".ply", ".splat", ".spz", ".sog", ".glb")
"""Suffixes of files with the Gaussians."""
EMBED_BYTES = 16 * 2**20
"""A larger video is linked, not embedded."""


@dataclass(frozen=True)
class StageRow:
    """The cost of a stage and its number of Gaussians."""

    name: str
    seconds: float
    peak_bytes: int
    gaussians: int
    resumed: bool = False
    """Its result was loaded: the seconds are those of the run that computed it."""
    peak_vram_bytes: int | None = None
    """Peak memory of the GPU; None if it was not used."""


@dataclass(frozen=True)
class ReportData:
    """The content of the page. Names are those of observed events: the stage comes first, as in "coarse/03/hole"."""

    title: str
    command: str
    """The command that repeats the run."""
    stages: Sequence[StageRow]
    photo: Picture
    """The only photo, or the first of several."""
    result: Picture | None
    """The finished scene seen from the photo's camera; None for a scene without Gaussians."""
    photos: int = 1
    """The number of photos of the scene."""
    plan: str = ""
    """The cameras and points from above as SVG, shown with the stage register; empty: there is none."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time of the consecutive parts of the run: "start", "stages", "delivery"."""
    videos: Mapping[str, Path] = field(default_factory=dict)
    """MP4 files by their captions."""
    files: Sequence[Path] = ()
    """Existing files and folders, which the page links to."""
    images: Mapping[str, Picture] = field(default_factory=dict)
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """(step, value) pairs."""
    charts: Mapping[str, Chart] = field(default_factory=dict)
    notes: Sequence[tuple[str, Note]] = ()
    summaries: Mapping[str, Summary] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    backends: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Role -> (name, why it was chosen)."""
    knobs: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Knobs that differ from their defaults: knob -> (value, default)."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """Versions, machine, revision."""


def write_report(data: ReportData, path: Path) -> Path:
    """Writes the page to `path`, whose folder must exist, and returns it. Links are relative to the page."""
    sections = [_header(data, path), _warnings(data.notes), _files(data.files, path), _costs(data)]
    sections += [_stage(row, data) for row in data.stages]
    sections += [_flight(data), _choices(data), _details(data)]
    page = html.document(data.title, "\n".join(filter(None, sections)))
    path.write_text(page, encoding="utf-8", errors="backslashreplace")  # file names need not be UTF-8
    return path


def _header(data: ReportData, path: Path) -> str:
    photo = "the photograph" if data.photos == 1 else f"the first of {data.photos} photos"
    shown = ((data.photo, photo), (data.result, "the scene from the same place"))
    figures = [html.image(picture, caption, caption) for picture, caption in shown if picture is not None]
    for caption, video in data.videos.items():
        content = video.read_bytes() if video.stat().st_size <= EMBED_BYTES else None
        figures.append(html.video(content, _relative(video, path), caption))
    parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in data.seconds.items())
    facts = [
        (f"seconds: {parts}", f"{sum(data.seconds.values()):.1f}"),
        ("peak memory", html.memory(max((row.peak_bytes for row in data.stages), default=0))),
        ("Gaussians", f"{data.stages[-1].gaussians:,}" if data.stages else "0"),
    ]
    if reach := data.metrics.get("reach"):
        facts.append(("reach in every direction, of the focus distance", f"{reach['every_direction']:.0%}"))
    tiles = "".join(f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in facts)
    return (
        f'<header><h1>{escape(data.title)}</h1><div class="tiles">{tiles}</div>'
        f'<div class="pictures hero">{"".join(figures)}</div></header>'
    )


def _warnings(notes: Sequence[tuple[str, Note]]) -> str:
    items = [f"<li>{escape(name)}: {escape(note.text)}</li>" for name, note in notes if note.level != "info"]
    return html.section("Warnings", f'<ul class="warnings">{"".join(items)}</ul>') if items else ""


def _relative(file: Path, page: Path) -> str:
    return os.path.relpath(file, page.parent).replace(os.sep, "/")


def _files(files: Sequence[Path], page: Path) -> str:
    rows = []
    for file in files:
        inside = [one for one in file.rglob("*") if one.is_file()] if file.is_dir() else [file]
        link = html.link(_relative(file, page), file.name)
        rows.append((link, _kind(file), html.memory(sum(one.stat().st_size for one in inside))))
    return html.section("Files", html.table(rows, ("file", "what it is", "size"))) if rows else ""


def _kind(file: Path) -> str:
    """What a result is; empty for other files in its folder."""
    if file.is_dir():
        return "the views with depth, normals and masks" if file.name == "fastgs" else ""
    if file.suffix in (".mp4", ".gif", ".webp"):
        return "video"
    if file.suffix == ".html":
        return "the scene in an interactive viewer"
    return "the Gaussians of the scene" if file.suffix in _GAUSSIANS else ""


def _costs(data: ReportData) -> str:
    """One row for each stage, and rows for the start of the run and for the delivery of its results."""
    begin, end = ([(part, data.seconds[part])] if part in data.seconds else [] for part in ("start", "delivery"))
    longest = max([s for _, s in begin + end] + [row.seconds for row in data.stages], default=0) or 1
    on_card = any(row.peak_vram_bytes for row in data.stages)
    first, last = ([(p, f"{s:.2f}", html.bar(s / longest), *[""] * (2 + on_card)) for p, s in x] for x in (begin, end))
    head = ("part", "seconds", "", "peak memory", *(["on the card"] if on_card else []), "Gaussians")
    rows = [*first, *(_cost(row, longest, on_card) for row in data.stages), *last]
    return html.section("Time and memory", html.table(rows, head))


def _cost(row: StageRow, longest: float, on_card: bool) -> tuple[str, ...]:
    seconds = f"{row.seconds:.2f}" + (" (from disk)" if row.resumed else "")
    card = [html.memory(row.peak_vram_bytes or 0)] if on_card else []
    bar = html.bar(row.seconds / longest)
    return (row.name, seconds, bar, html.memory(row.peak_bytes), *card, f"{row.gaussians:,}")


def _stage(row: StageRow, data: ReportData) -> str:
    def mine(named: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in named.items() if name.split("/")[0] == row.name}

    body = []
    for summary in mine(data.summaries).values():
        body += [f"<p>{escape(summary.text)}</p>", photo_table(summary.data)]
    body += [_plan(data.plan)] if row.name == "register" else []
    photos, images = _by_photo(row.name, mine(data.images))
    charts = _drawn(mine(data.curves), mine(data.charts))
    body.append(cards(photos, row.name))
    notes = [(group_of(name), note.text) for name, note in data.notes if note.level == "info"]
    for group in sorted({row.name, *map(group_of, (*images, *charts))}):
        number_of_view = group.partition("/")[2]
        title = f"<h3>frame {int(number_of_view) + 1}</h3>" if number_of_view else ""
        figures = "".join([*_pictures(group, images), *_plots(group, charts)])
        shown = f'<div class="pictures">{figures}</div>' if figures else ""
        body.append(title + html.bullets(text for place, text in notes if place == group) + shown)
    return html.section(row.name, "".join(body))


def _flight(data: ReportData) -> str:
    """The curves that were measured along the flight."""
    curves = {name: curve for name, curve in data.curves.items() if name.split("/")[0] == "export"}
    plots = "".join(_plots("export", _drawn(curves, {})))
    return html.section("flight", f'<div class="pictures">{plots}</div>') if plots else ""


def _plan(plan: str) -> str:
    return f'<div class="pictures">{html.figure(plan, PLAN_CAPTION)}</div>' if plan else ""


def _by_photo(stage: str, images: Mapping[str, Picture]) -> tuple[dict[str, dict[str, Picture]], dict[str, Picture]]:
    """The pictures of each of several photos, by its name and by what they show; and the other pictures."""
    place, photos, others = f"{stage}/{PHOTO}/", dict[str, dict[str, Picture]](), dict[str, Picture]()
    for name, picture in images.items():
        group = group_of(name)
        if group.startswith(place):
            photos.setdefault(group.removeprefix(place), {})[_caption(group, name).rpartition(", ")[2]] = picture
        else:
            others[name] = picture
    return photos, others


def _drawn(curves: Mapping[str, Sequence[tuple[float, float]]], charts: Mapping[str, Chart]) -> dict[str, str]:
    """SVG by name; a chart's title becomes the last word of its name."""
    lines = {name: svg.line_chart(points, label=name) for name, points in curves.items()}
    for name, chart in charts.items():
        points = list(zip(chart.x, chart.y, strict=True))
        about = " (shaded: what is wanted; dot: the choice)" if chart.band else ""
        lines[f"{name}/{chart.title}{about}"] = svg.line_chart(points, chart.band, chart.chosen, label=chart.title)
    return lines


def _pictures(group: str, images: Mapping[str, Picture]) -> Iterator[str]:
    """The pictures of a group side by side. A "before" and its "after" become one figure with a slider."""
    named = {_caption(group, name): picture for name, picture in images.items() if group_of(name) == group}
    for caption, picture in named.items():
        later = caption.replace("before", "after")
        if later != caption and later in named:
            yield html.slider(picture, named[later], caption, later, f"{group}: ")
        elif "after" not in caption or caption.replace("after", "before") not in named:
            yield html.image(picture, caption, f"{group}: {caption}")


def _plots(group: str, charts: Mapping[str, str]) -> Iterator[str]:
    return (html.figure(plot, _caption(group, name)) for name, plot in charts.items() if group_of(name) == group)


def _caption(group: str, name: str) -> str:
    """ "coarse/03/view/z" in the group "coarse/03" -> "view, depth"."""
    *words, last = name.removeprefix(f"{group}/").split("/")
    kind = {"rgb": "color", "z": "depth"}.get(last, last.replace("_", " "))
    return ", ".join(words if kind in words else [*words, kind])


def _choices(data: ReportData) -> str:
    backends = [(role, name, why) for role, (name, why) in data.backends.items()]
    knobs = [(knob, _as_typed(value), _as_typed(default)) for knob, (value, default) in data.knobs.items()]
    body = html.table(backends, ("backend", "chosen", "because"))
    body += html.table(knobs, ("knob", "value", "default")) if knobs else "<p>All knobs at their defaults.</p>"
    return html.section("Choices", f"{body}<h3>To repeat this run</h3><pre>{escape(data.command)}</pre>")


def _as_typed(value: Any) -> str:
    """The value of a knob as written on the command line."""
    if isinstance(value, list):
        return f"[{','.join(map(_as_typed, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _details(data: ReportData) -> str:
    tables = [html.table(list(flattened(values)), ("", "")) for values in (data.metrics, data.environment)]
    return html.section("Measurements", tables[0]) + html.section("Environment", tables[1])


def flattened(values: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    """Nested mappings as rows: {"a": {"b": 1}} -> ("a.b", 1)."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
