"""The points of several photos as one file of safetensors; its metadata holds the names of the photos."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from vistadream.core.registration import SparsePoints

_TENSORS = tuple(field.name for field in fields(SparsePoints) if field.name != "views")


def write_points(points: SparsePoints, file: Path) -> None:
    """Writes a new file."""
    tensors = {name: getattr(points, name).contiguous() for name in _TENSORS}
    save_file(tensors, file, metadata={"views": json.dumps(points.views)})


def read_points(file: Path) -> SparsePoints:
    """What `write_points` wrote; ValueError or LookupError when the file is damaged."""
    try:
        with safe_open(file, framework="pt") as stored:
            views = json.loads((stored.metadata() or {})["views"])
            return SparsePoints(views=tuple(map(str, views)), **{name: stored.get_tensor(name) for name in _TENSORS})
    except SafetensorError as error:
        raise ValueError(f"{file.name}: {error}") from error
