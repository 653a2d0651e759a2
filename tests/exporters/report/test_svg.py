"""Laws of the line charts: whatever the numbers, the drawing stays in its frame and shows the extremes."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.exporters.report.svg import HEIGHT, WIDTH, Axis, histogram, line_chart, thinned

numbers = st.floats(-1e100, 1e100) | st.floats(0, 1e-300) | st.just(math.nan) | st.just(math.inf)


def polyline(chart: str) -> list[tuple[float, float]]:
    points = re.search(r'<polyline class="line" points="([^"]*)"', chart).group(1)
    return [tuple(map(float, pair.split(","))) for pair in points.split()]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(ys=st.lists(numbers, min_size=1, max_size=50))
def test_every_finite_point_is_drawn_inside_the_frame(ys: list[float]) -> None:
    chart = line_chart([(float(i), y) for i, y in enumerate(ys)])
    finite = [y for y in ys if math.isfinite(y)]
    if not finite:
        assert "nothing to draw" in chart
        return
    points = polyline(chart)
    assert len(points) == len(finite)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    highest = min(range(len(points)), key=lambda i: points[i][1])
    assert points[finite.index(max(finite))][1] == points[highest][1]
    assert "nan" not in chart


@given(a=st.floats(-1e9, 1e9), b=st.floats(-1e9, 1e9), log=st.booleans())
@settings(deadline=None, max_examples=200, derandomize=True)
def test_ticks_are_few_rising_and_within_the_range(a: float, b: float, log: bool) -> None:
    values = [abs(a) + 1e-6, 40 * abs(a) + abs(b) + 1e-3] if log else [a, b]
    axis = Axis(values, 0.0, 100.0, log)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 20
    assert ticks == sorted(set(ticks))
    assert all(-1e-6 <= axis(tick) <= 100 + 1e-6 for tick in ticks)


def test_linear_ticks_are_the_round_numbers() -> None:
    assert Axis([0, 60], 0.0, 1.0).ticks() == [0, 20, 40, 60]
    assert Axis([0.013, 0.11], 0.0, 1.0).ticks() == pytest.approx([0.05, 0.1])


def test_values_over_decades_are_drawn_logarithmically() -> None:
    points = polyline(line_chart([(0, 1), (1, 0.1), (2, 0.01)]))
    steps = [b[1] - a[1] for a, b in pairwise(points)]
    assert steps[0] == pytest.approx(steps[1], abs=0.2)
    points = polyline(line_chart([(0, 1), (1, 0.5), (2, 0.25)]))
    steps = [b[1] - a[1] for a, b in pairwise(points)]
    assert steps[0] == pytest.approx(2 * steps[1], abs=0.2)


def test_thinning_keeps_order_ends_and_spikes() -> None:
    points = [(float(i), math.sin(i / 500)) for i in range(10_000)]
    points[6543] = (6543.0, 50.0)
    points[1234] = (1234.0, -50.0)
    kept = thinned(points)
    assert len(kept) < 400
    assert {points[0], points[-1], points[6543], points[1234]} <= set(kept)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)
    assert thinned(points[:100]) == points[:100]


def test_the_chosen_point_is_marked_and_the_band_spans_its_values() -> None:
    chart = line_chart([(0, 0.0), (1, 0.5), (2, 1.0)], band=(0.25, 0.75), chosen=1)
    x, y = polyline(chart)[1]
    assert f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}"' in chart
    top, height = map(float, re.search(r'class="band".* y="([\d.]+)".* height="([\d.]+)"', chart).groups())
    assert top + height / 2 == pytest.approx(y, abs=0.1)
    assert "circle" not in line_chart([(0, 0.0), (1, 0.5)])


@settings(deadline=None, max_examples=100, derandomize=True)
@given(counts=st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any), low=st.floats(-1e6, 1e6))
def test_bars_of_a_histogram_are_as_high_as_their_counts_and_stay_inside(counts: list[int], low: float) -> None:
    edges = [low + n for n in range(len(counts) + 1)]
    boxes = re.findall(
        r'class="mark" x="([-\d.]+)" y="([-\d.]+)" width="([-\d.]+)" height="([-\d.]+)"', histogram(edges, counts)
    )
    assert len(boxes) == len(counts)
    heights = [float(height) for *_, height in boxes]
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y, *_ in boxes)
    scale = max(heights) / max(counts)
    assert all(abs(height - count * scale) <= 0.2 for height, count in zip(heights, counts, strict=True))
