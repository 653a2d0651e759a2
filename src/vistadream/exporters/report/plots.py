"""Charts as separate SVG files: curves of a fit, views before and after, histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from vistadream.exporters.report.svg import HEIGHT, WIDTH, Axis

_STYLE = """
svg { font: 11px system-ui, sans-serif; background: #fff; }
text { fill: #555; } .title { fill: #111; font-size: 13px; font-weight: 600; }
.grid { stroke: #ddd; } .line { fill: none; stroke: #2563a8; stroke-width: 1.5; }
.bar, .mark { fill: #2563a8; } .from { fill: #fff; stroke: #2563a8; } .change { stroke: #2563a8; }
"""
_TITLE, _GAP = 24, 16
_NAMES = 100
"""Width of the names of the views, in pixels."""
_FLOOR = HEIGHT - 24
"""The y position of the axis; its numbers are below."""


def write_sheet(path: Path, panels: Mapping[str, str], columns: int = 2) -> Path:
    """Writes charts of WIDTH x HEIGHT, such as those of `svg.line_chart`, with their titles as one SVG file."""
    parts = []
    drawn = [(title, chart) for title, chart in panels.items() if chart.startswith("<svg")]
    for i, (title, chart) in enumerate(drawn):
        left, top = i % columns * (WIDTH + _GAP), i // columns * (_TITLE + HEIGHT + _GAP)
        parts.append(f'<text class="title" x="{left + 6}" y="{top + 17}">{escape(title)}</text>')
        place = f'<svg x="{left}" y="{top + _TITLE}" width="{WIDTH}" height="{HEIGHT}" '
        parts.append(chart.replace("<svg ", place, 1))
    width = columns * (WIDTH + _GAP)
    height = math.ceil(len(drawn) / columns) * (_TITLE + HEIGHT + _GAP)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{_STYLE}</style>{"".join(parts)}</svg>\n'
    path.write_text(svg, encoding="utf-8")
    return path


def change_chart(rows: Sequence[tuple[str, float | None, float | None]]) -> str:
    """A line for each name from its value before (hollow) to its value after (filled); empty if no row has both."""
    whole = [(name, a, b) for name, a, b in rows if a is not None and b is not None and math.isfinite(a + b)]
    if not whole:
        return ""
    axis = Axis([value for _, *pair in whole for value in pair], _NAMES, WIDTH - 16)
    parts = [_tick(axis(value), value) for value in axis.ticks()]
    pitch = min(16.0, _FLOOR / len(whole))
    for i, (name, *pair) in enumerate(whole):
        y, (a, b) = pitch * (i + 0.5), map(axis, pair)
        parts.append(f'<text x="{_NAMES - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(name[:16])}</text>')
        parts.append(f'<line class="change" x1="{a:.1f}" x2="{b:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<circle class="from" cx="{a:.1f}" cy="{y:.1f}" r="3.5"/>')
        parts.append(f'<circle class="mark" cx="{b:.1f}" cy="{y:.1f}" r="3.5"/>')
    return _chart(parts)


def histogram(edges: Sequence[float], counts: Sequence[int], log: bool = False) -> str:
    """Bars of counts between increasing edges; with `log` the edges, all positive, are on a logarithmic axis."""
    axis = Axis(edges, 16, WIDTH - 16, log)
    parts = [_tick(axis(value), value) for value in axis.ticks()]
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        height = _FLOOR * 0.95 * count / max(*counts, 1)
        place = f'x="{axis(low):.1f}" y="{_FLOOR - height:.1f}"'
        parts.append(f'<rect class="bar" {place} width="{axis(high) - axis(low):.1f}" height="{height:.1f}"/>')
    return _chart(parts)


def _tick(x: float, value: float) -> str:
    line = f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_FLOOR}"/>'
    return f'{line}<text x="{x:.1f}" y="{_FLOOR + 16}" text-anchor="middle">{value:.4g}</text>'


def _chart(parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'
