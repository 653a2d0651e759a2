"""Small charts as inline SVG, in the colors of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 300, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 12, 12, 24
_MOST_POINTS = 300
_LOG_FROM = 30
"""Positive values whose largest is this many times the smallest are drawn on a logarithmic axis."""
_LEAST = 1e-300
"""Smaller ranges and values count as zero, because floating-point arithmetic underflows near here."""

Point = tuple[float, float]


def line_chart(points: Sequence[Point], band: Point | None = None, chosen: int | None = None, label: str = "") -> str:
    """y over x, without points that are not finite. `band`: a shaded range of y. `chosen`: index of a marked point."""
    marked = points[chosen] if chosen is not None else None
    finite = [p for p in points if math.isfinite(p[0]) and math.isfinite(p[1])]
    if not finite:
        return '<p class="quiet">nothing to draw</p>'
    log = band is None and _spans_decades([y for _, y in finite])
    ys = [y for _, y in finite] + list(band or ())
    x_axis, y_axis = Axis([x for x, _ in finite], _LEFT, WIDTH - _RIGHT), Axis(ys, HEIGHT - _BOTTOM, _TOP, log)
    parts = [_grid(x_axis, y_axis)]
    if band:
        top, bottom = y_axis(band[1]), y_axis(band[0])
        width = WIDTH - _LEFT - _RIGHT
        parts.append(f'<rect class="band" x="{_LEFT}" y="{top:.1f}" width="{width}" height="{bottom - top:.1f}"/>')
    line = " ".join(f"{x_axis(x):.1f},{y_axis(y):.1f}" for x, y in thinned(finite))
    parts.append(f'<polyline class="line" points="{line}"/>')
    if len(finite) == 1:
        marked = finite[0]
    if marked in finite:
        parts.append(f'<circle class="mark" cx="{x_axis(marked[0]):.1f}" cy="{y_axis(marked[1]):.1f}" r="4"/>')
    return _svg(parts, label)


def histogram(edges: Sequence[float], counts: Sequence[int], label: str = "") -> str:
    """Bars of the counts between each two of the rising edges, of which there is one more."""
    x_axis, y_axis = Axis(edges, _LEFT, WIDTH - _RIGHT), Axis([0, max(counts)], HEIGHT - _BOTTOM, _TOP)
    floor, parts = y_axis(0), [_grid(x_axis, y_axis)]
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        begin, end, top = x_axis(left), x_axis(right), y_axis(count)
        box = f'x="{begin:.1f}" y="{top:.1f}" width="{max(0.5, end - begin - 1):.1f}" height="{floor - top:.1f}"'
        parts.append(f'<rect class="mark" {box}/>')
    return _svg(parts, label)


class Axis:
    """Maps values to positions along one side of the chart."""

    def __init__(self, values: Sequence[float], start_px: float, end_px: float, log: bool = False):
        self.log = log
        low, high = min(values), max(values)
        largest = max(abs(low), abs(high))
        if high - low <= max(1e-9 * largest, _LEAST):  # one value: put it in the middle
            low, high = low - (largest / 2 or 0.5), high + (largest / 2 or 0.5)
        self.low, self.high = low, high
        self._start_px, self._end_px = start_px, end_px

    def __call__(self, value: float) -> float:
        a, b, v = (math.log(t) if self.log else t for t in (self.low, self.high, value))
        return self._start_px + (v - a) / (b - a) * (self._end_px - self._start_px)

    def ticks(self) -> list[float]:
        """Round numbers in the range, in steps of 1, 2 or 5 times a power of ten; on a log axis powers of ten."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            few = [1] if len(decades) > 3 else [1, 3]
            ticks = [m * 10.0**d for d in decades for m in few]
        else:
            rough = (self.high - self.low) / 4
            power = 10 ** math.floor(math.log10(rough))
            step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
            ticks = [i * step for i in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [t for t in ticks if self.low <= t <= self.high]


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most a few hundred points: the lowest and the highest of each interval, so that no peak is lost."""
    run = math.ceil(2 * len(points) / _MOST_POINTS)
    if run <= 2:
        return list(points)
    kept = [points[0]]
    for i in range(0, len(points), run):
        near = sorted(range(i, min(i + run, len(points))), key=lambda j: points[j][1])
        kept += [points[j] for j in sorted({near[0], near[-1]})]
    return [*kept, points[-1]]


def _svg(parts: Sequence[str], label: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _spans_decades(values: Sequence[float]) -> bool:
    return min(values) > _LEAST and max(values) > _LOG_FROM * min(values)


def _grid(x_axis: Axis, y_axis: Axis) -> str:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = []
    for value in y_axis.ticks():
        y = y_axis(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{value:.4g}</text>')
    for value in x_axis.ticks():
        parts.append(f'<text x="{x_axis(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:.6g}</text>')
    return "".join(parts)
