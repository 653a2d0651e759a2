"""Says what is in a 3DGS PLY: counts, sizes, shapes, opacities and what is not a number.

python tools/analyze_gs_ply.py scene.ply
python tools/analyze_gs_ply.py scene.ply --plot histograms.svg
python tools/analyze_gs_ply.py scene.ply --json
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from vistadream.commands import guard

if __name__ == "__main__":
    guard.begin("analyze_gs_ply")  # before the packages below, which take seconds

import numpy as np
import tyro

from vistadream.core import UserError
from vistadream.exporters.report.plots import histogram, write_sheet
from vistadream.formats.ply import MEANS, QUATS, SCALES, read_columns
from vistadream.runs.folder import RunFolder

QUANTILES = {"p10": 0.1, "median": 0.5, "p90": 0.9}
BINS = 10
PLOT_BINS = 40
MOST = 1e300
"""A ratio above this counts as this."""


@dataclass(frozen=True)
class Options:
    """What to analyse."""

    ply: Annotated[Path, tyro.conf.Positional]
    """A PLY file of 3D Gaussians."""
    json: bool = False
    """Print JSON instead of lines."""
    plot: Path | None = None
    """SVG file to draw the histograms of sizes, shapes and opacities to."""


@dataclass(frozen=True)
class Values:
    """Physical values of the Gaussians whose every property is a finite number."""

    means: np.ndarray
    """3 n."""
    sizes: np.ndarray
    """Standard deviations, 3 n."""
    anisotropy: np.ndarray
    """Largest to smallest size."""
    turns_deg: np.ndarray
    """Angle of the rotation; not a number where the quaternion is zero."""
    opacities: np.ndarray


def finite_rows(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Which Gaussians are made of finite numbers only."""
    return np.isfinite(np.stack(list(columns.values()))).all(axis=0)


def values_of(columns: dict[str, np.ndarray]) -> Values:
    """Of the finite Gaussians."""
    finite = finite_rows(columns)
    means, logs, quats = (np.stack([columns[name][finite] for name in names]) for names in (MEANS, SCALES, QUATS))
    with np.errstate(over="ignore", invalid="ignore"):
        return Values(
            means,
            np.minimum(np.exp(logs), MOST),
            np.minimum(np.exp(logs.max(axis=0) - logs.min(axis=0)), MOST),
            np.degrees(2 * np.arccos(np.clip(np.abs(quats[0]) / np.linalg.norm(quats, axis=0), 0, 1))),
            1 / (1 + np.exp(-columns["opacity"][finite])),
        )


def analyze(columns: dict[str, np.ndarray]) -> dict:
    """Figures of the stored properties; a Gaussian with any value that is not finite counts only as such."""
    finite = finite_rows(columns)
    bad = {name: n for name, column in columns.items() if (n := int((~np.isfinite(column)).sum()))}
    rest = sum(name.startswith("f_rest_") for name in columns)
    result = {
        "gaussians": finite.size,
        "not_finite": int((~finite).sum()),
        "not_finite_in": bad,
        "properties": len(columns),
        "harmonics_degree": math.isqrt(rest // 3 + 1) - 1,
    }
    if not finite.any():
        return result
    values = values_of(columns)
    sizes = values.sizes
    return result | {
        "bounds": {axis: [float(m.min()), float(m.max())] for axis, m in zip("xyz", values.means, strict=True)},
        "scale": {axis: _quantiles(s) for axis, s in zip("xyz", sizes, strict=True)},
        "scale_ratio": {"x/y": _ratio(sizes[0], sizes[1]), "x/z": _ratio(sizes[0], sizes[2])},
        "anisotropy": _quantiles(values.anisotropy),
        "turned_under_5_deg": int((values.turns_deg < 5).sum()),
        "zero_quaternions": int(np.isnan(values.turns_deg).sum()),
        "opacity": _quantiles(values.opacities),
        "opacity_histogram": np.histogram(values.opacities, bins=BINS, range=(0, 1))[0].tolist(),
    }


def _ratio(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    with np.errstate(over="ignore", divide="ignore"):
        return _quantiles(np.minimum(a / np.maximum(b, 1 / MOST), MOST))


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {name: float(np.quantile(values, q)) for name, q in QUANTILES.items()}


def plot(columns: dict[str, np.ndarray], path: Path) -> None:
    """Draws the histograms; UserError when there is nothing finite to draw, or the place cannot be written."""
    if not finite_rows(columns).any():
        raise UserError(f"{path}: nothing to draw; wanted at least one Gaussian of finite numbers")
    values = values_of(columns)
    panels = {f"scale {axis}": _logarithmic(size) for axis, size in zip("xyz", values.sizes, strict=True)}
    panels |= {
        "anisotropy: largest to smallest scale": _logarithmic(values.anisotropy),
        "opacity": _even(values.opacities, 0, 1),
        "rotation in degrees": _even(values.turns_deg[~np.isnan(values.turns_deg)], 0, 180),
    }
    with RunFolder(path.parent).replace(path) as draft:
        write_sheet(draft, panels)


def _even(values: np.ndarray, low: float, high: float) -> str:
    counts, edges = np.histogram(values, PLOT_BINS, (low, high))
    return histogram(edges.tolist(), counts.tolist())


def _logarithmic(values: np.ndarray) -> str:
    """Bins even in the logarithm, from the 0.1 to the 99.9 percentile; what lies beyond is left out."""
    positive = values[values > 0]
    low, high = np.quantile(positive, (0.001, 0.999)) if len(positive) else (1, 1)
    edges = np.geomspace(low / 1.05, high * 1.05, PLOT_BINS + 1)
    return histogram(edges.tolist(), np.histogram(positive, edges)[0].tolist(), log=True)


def lines(figures: dict, indent: str = "") -> list[str]:
    """The figures for people."""
    out = []
    for name, value in figures.items():
        if isinstance(value, dict) and any(isinstance(v, (dict, list)) for v in value.values()):
            out += [f"{indent}{name}", *lines(value, indent + "  ")]
        elif isinstance(value, dict):
            out.append(f"{indent}{name}: " + ("  ".join(f"{k} {_number(v)}" for k, v in value.items()) or "none"))
        else:
            out.append(f"{indent}{name}: " + "  ".join(map(_number, value if isinstance(value, list) else [value])))
    return out


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def report(options: Options) -> None:
    """Prints the figures; UserError for a file that is at fault."""
    columns = read_columns(options.ply)
    if options.plot is not None:
        plot(columns, options.plot)
    figures = analyze(columns)
    print(json.dumps(figures, indent=2) if options.json else "\n".join(lines(figures)))


def main(options: Options) -> int:
    """The exit code: 2 for what the user can mend."""
    return guard.guarded("analyze_gs_ply", lambda: partial(report, options), "the same command starts anew")


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
