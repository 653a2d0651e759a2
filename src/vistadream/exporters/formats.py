"""The formats of a scene's Gaussians, by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vistadream.core import Camera, Gaussians
from vistadream.formats.ply import write_ply
from vistadream.formats.splat import write_splat
from vistadream.formats.splat_transform import write_converted, write_spz, write_viewer

OWN = ("ply", "splat")
"""Written by ourselves."""
CONVERTED = ("compressed_ply", "spz", "sog", "glb", "html")
"""Written by splat-transform."""
FORMATS = (*OWN, *CONVERTED)

_WRITERS = {"ply": write_ply, "splat": write_splat, "spz": write_spz}


def write_format(name: str, gaussians: Gaussians, path: Path, flight: Sequence[Camera], focus_z: float) -> Path:
    """Write the Gaussians to `path` in one of FORMATS; "html" shows them along `flight`, as `write_viewer` says."""
    if name == "html":
        return write_viewer(gaussians, path, flight, focus_z)
    return _WRITERS.get(name, write_converted)(gaussians, path)
