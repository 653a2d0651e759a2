"""Gaussians to the `.splat` layout, the plain bytes that most browser viewers stream.

Layout (antimatter15/splat, README): 32 bytes a Gaussian, little-endian: center and linear standard deviations as three
float32 each, then RGBA and the quaternion wxyz as four bytes each. A byte b stands for the color b / 255, for the
opacity b / 255 and for the component (b - 128) / 128. The most visible come first, so that a picture appears early.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vistadream.core import Gaussians
from vistadream.formats.ply import SH_C0

ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat_wxyz", "u1", 4)])


def write_splat(gaussians: Gaussians, path: Path) -> Path:
    """Write the Gaussians to `path` (its folder must exist), largest volume times opacity first, and return it.

    Of spherical harmonics only the constant color is kept, for the layout has no place for more. Raises ValueError
    naming the field when a value is not finite or a quaternion is zero.
    """
    means, quats, scales, opacities, colors = (t.detach().cpu().double().numpy() for _, t in gaussians.tensors())
    norms = np.linalg.norm(quats, axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # a zero quaternion is refused by name, below
        quats = quats / norms
    fields = {"means": means, "scales": scales, "opacities": opacities, "colors": colors, "quats_wxyz": quats}
    for name, values in fields.items():
        if not np.isfinite(values).all():
            raise ValueError(f"write_splat: {name} holds what is not a finite number; wanted finite Gaussians")
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
