"""Cost curves of the CPU renderer as SVG: CPU time over Gaussians and over pixels, wall time over threads."""

from __future__ import annotations

import argparse
from pathlib import Path

from renderer_acts import best_ms, count_pairs, drawing, iteration, on
from renderer_scenes import sample_room

from vistadream.exporters.report.svg import Axis

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 18, 34, 44
COLORS = ("#1f6fb2", "#c0504d", "#7a7a7a")

Line = list[tuple[float, float]]


def log_chart(title: str, x_label: str, lines: dict[str, Line], ticks: list[float]) -> str:
    """Lines over logarithmic axes, milliseconds upwards; `ticks` are marked on the x axis."""
    points = [point for line in lines.values() for point in line]
    x_axis = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, log=True)
    low, high = min(y for _, y in points), max(y for _, y in points)
    y_axis = Axis([low / 1.5, high * 2], HEIGHT - BOTTOM, TOP, log=True)
    parts = [_text(WIDTH / 2, 16, title, "middle"), _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_label, "middle")]
    for y in [m * 10.0**d for d in range(-1, 5) for m in (1, 2, 5)]:
        if y_axis.low <= y <= y_axis.high:
            parts.append(f'<path d="M{LEFT} {y_axis(y):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
            parts.append(_text(LEFT - 5, y_axis(y) + 4, f"{y:g} ms", "end"))
    for x in ticks:
        parts.append(_text(x_axis(x), HEIGHT - BOTTOM + 18, f"{x / 1000:.3g}k" if x >= 1000 else f"{x:g}", "middle"))
    for (name, line), color in zip(lines.items(), COLORS, strict=False):
        path = " ".join(f"{x_axis(x):.1f},{y_axis(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x_axis(x):.1f}" cy="{y_axis(y):.1f}" r="3" fill="{color}"/>' for x, y in line]
        x, y = line[-1]
        parts.append(_text(x_axis(x) - 6, y_axis(y) - 8, name, "end", color))
    style = 'font-family="sans-serif" font-size="12"'
    background = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {style}>'
    return f"{head}{background}{''.join(parts)}</svg>\n"


def _text(x: float, y: float, words: str, anchor: str, color: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{words}</text>'


def draw_curves(folder: Path, ns: float, options: argparse.Namespace) -> None:
    """Measures and writes renderer_gaussians.svg, renderer_pixels.svg and renderer_threads.svg."""
    sizes = [(128 * k // 2, 96 * k // 2) for k in (2, 3, 4, 6, 8, 12)]
    rooms = {size: sample_room(*size) for size in sizes}
    gaussians, camera = rooms[512, 384]
    over_gaussians = {w * h: (rooms[w, h][0], camera) for w, h in sizes}
    over_pixels = {w * h: (gaussians, rooms[w, h][1]) for w, h in sizes}
    for name, seen, title in (
        ("gaussians", over_gaussians, "the sample room in 512x384 pixels, one thread"),
        ("pixels", over_pixels, "the sample room in 196,608 Gaussians, one thread"),
    ):
        acts = {str(n): on(1, iteration(*s, drawing(s[1], 1))) for n, s in seen.items()}
        cost = best_ms(acts, options.repeats)
        iterations = [(float(n), cost[str(n)][1]) for n in seen]
        floor = [(float(n), 1e-6 * ns * count_pairs(*s)) for n, s in seen.items()]
        lines = {"forward and backward, CPU time": iterations, "floor": floor}
        chart = log_chart(title, name.capitalize(), lines, [float(n) for n in seen])
        (folder / f"renderer_{name}.svg").write_text(chart)
    acts = {str(t): on(t, iteration(gaussians, camera, drawing(camera, t))) for t in options.threads}
    walls = [
        (float(t), wall) for t, (wall, _) in zip(options.threads, best_ms(acts, options.repeats).values(), strict=True)
    ]
    floor = 1e-6 * ns * count_pairs(gaussians, camera)
    lines = {
        "forward and backward, wall time": walls,
        "floor": [(t, floor / t) for t, _ in walls],
        "ideal": [(t, walls[0][1] * walls[0][0] / t) for t, _ in walls],
    }
    chart = log_chart("the sample room, 512x384, 196,608 Gaussians", "Threads", lines, [t for t, _ in walls])
    (folder / "renderer_threads.svg").write_text(chart)
