"""Says what is in a 3DGS PLY: counts, sizes, shapes, opacities and what is not a number.

Run `python tools/analyze_gs_ply.py scene.ply`, or with `--json` for programs.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from vistadream.core import UserError
from vistadream.exporters.ply import MEANS, QUATS, SCALES, read_columns

QUANTILES = {"p10": 0.1, "median": 0.5, "p90": 0.9}
BINS = 10


@dataclass(frozen=True)
class Options:
    """What to analyse."""

    ply: Annotated[Path, tyro.conf.Positional]
    """A PLY file of 3D Gaussians."""
    json: bool = False
    """Print JSON instead of lines."""


def analyze(columns: dict[str, np.ndarray]) -> dict:
    """Figures of the stored properties; a Gaussian with any value that is not finite counts only as such."""
    table = np.stack(list(columns.values()))
    finite = np.isfinite(table).all(axis=0)
    result = {"gaussians": finite.size, "not_finite": int((~finite).sum()), "properties": len(columns)}
    if not finite.any():
        return result
    kept = {name: values[finite] for name, values in columns.items()}
    means, scales, quats = (np.stack([kept[name] for name in names]) for names in (MEANS, SCALES, QUATS))
    with np.errstate(over="ignore"):
        sizes, opacities = np.exp(scales), 1 / (1 + np.exp(-kept["opacity"]))
    turns_deg = np.degrees(2 * np.arccos(np.clip(np.abs(quats[0]) / np.linalg.norm(quats, axis=0), 0, 1)))
    return result | {
        "bounds": {axis: [float(m.min()), float(m.max())] for axis, m in zip("xyz", means, strict=True)},
        "scale": {axis: _quantiles(s) for axis, s in zip("xyz", sizes, strict=True)},
        "scale_ratio": {"x/y": _quantiles(sizes[0] / sizes[1]), "x/z": _quantiles(sizes[0] / sizes[2])},
        "anisotropy": _quantiles(sizes.max(axis=0) / sizes.min(axis=0)),
        "turned_under_5_deg": int((turns_deg < 5).sum()),
        "opacity_histogram": np.histogram(opacities, bins=BINS, range=(0, 1))[0].tolist(),
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {name: float(np.quantile(values, q)) for name, q in QUANTILES.items()}


def lines(figures: dict, indent: str = "") -> list[str]:
    """The figures for people."""
    out = []
    for name, value in figures.items():
        if isinstance(value, dict) and any(isinstance(v, (dict, list)) for v in value.values()):
            out += [f"{indent}{name}", *lines(value, indent + "  ")]
        elif isinstance(value, dict):
            out.append(f"{indent}{name}: " + "  ".join(f"{k} {_number(v)}" for k, v in value.items()))
        else:
            out.append(f"{indent}{name}: " + "  ".join(map(_number, value if isinstance(value, list) else [value])))
    return out


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def main(options: Options) -> None:
    try:
        figures = analyze(read_columns(options.ply))
    except UserError as error:
        sys.exit(f"error: {error}")
    print(json.dumps(figures, indent=2) if options.json else "\n".join(lines(figures)))


if __name__ == "__main__":
    main(tyro.cli(Options))
