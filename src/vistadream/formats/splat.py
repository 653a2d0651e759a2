"""Gaussians to the `.splat` layout, the plain bytes that most browser viewers stream.

Layout (antimatter15/splat, README): 32 bytes per Gaussian, little-endian: center and linear standard deviations as
three float32 each, then RGBA and the quaternion wxyz as four bytes each. A byte b means the color b / 255, the opacity
b / 255 or the component (b - 128) / 128. The most visible Gaussians come first, so that a picture appears early.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vistadream.core import Gaussians
from vistadream.formats.ply import SH_C0

ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat_wxyz", "u1", 4)])


def write_splat(gaussians: Gaussians, path: Path) -> Path:
    """Writes the Gaussians to `path` (its folder must exist), largest volume times opacity first, and returns it.

    Only the constant color of spherical harmonics is kept, because the layout has no other. Raises ValueError with the
    name of the field when a value is not finite or a quaternion is zero.
    """
    means, quats, scales, opacities, colors = (t.detach().cpu().double().numpy() for _, t in gaussians.tensors())
    norms = np.linalg.norm(quats, axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # a zero quaternion is refused below
        quats = quats / norms
    fields = {"means": means, "scales": scales, "opacities": opacities, "colors": colors, "quats_wxyz": quats}
    for name, values in fields.items():
        if not np.isfinite(values).all():
            raise ValueError(f"write_splat: {name} has values that are not finite; wanted finite Gaussians")
    rgb = colors if colors.ndim == 2 else 0.5 + SH_C0 * colors[:, 0]
    rows = np.empty(len(gaussians), ROW)
    rows["mean"], rows["scale"] = means, scales
    rows["rgba"] = _bytes(255 * np.column_stack([rgb, opacities]))
    rows["quat_wxyz"] = _bytes(128 + 128 * quats)
    order = np.argsort(-scales.prod(axis=1) * opacities, kind="stable")
    path.write_bytes(rows[order].tobytes())
    return path


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
