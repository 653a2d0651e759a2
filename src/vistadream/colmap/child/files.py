"""The files in the folder of a request, besides pictures/ and masks/."""

from __future__ import annotations

import shutil
from pathlib import Path

import pycolmap

DATABASE = "database.db"
"""Features and matches."""


def fresh(folder: Path) -> Path:
    """The folder, now empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def keep(model: pycolmap.Reconstruction, folder: Path) -> None:
    """Writes the model that the task has found into model/, as COLMAP does."""
    model.write(fresh(folder / "model"))
