"""The task `mesh`: a surface through points.ply, as mesh.ply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pycolmap

from vistadream.colmap.child.model import Arrays


def mesh(folder: Path, request: dict[str, Any]) -> Arrays:
    """COLMAP's screened Poisson reconstruction; the arrays are empty, since COLMAP writes a file."""
    options = pycolmap.PoissonMeshingOptions(depth=request["depth"], trim=request["trim"], color=True, num_threads=1)
    pycolmap.poisson_meshing(folder / "points.ply", folder / "mesh.ply", options)
    return {}
