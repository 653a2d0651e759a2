"""The description of a dataset, meta.json, from which the other files follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import is_plain_name
from vistadream.formats.fastgs_dataset.layout import META, ORIGINS, SCHEMA_VERSION, SOURCES, Report, view_files
from vistadream.formats.json_file import read_json

ROTATION_TOLERANCE = 1e-3
"""The largest difference between R R^T and the identity, which allows for rounding of measured poses."""


def read_meta(folder: Path) -> dict[str, Any]:
    """The description of the dataset; ValueError when its views or files are missing or not of the right kind."""
    try:
        meta = read_json(folder / META, finite=False)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); wanted the dataset's description") from error
    except ValueError as error:
        raise ValueError(f"is not JSON ({error}); wanted the dataset's description") from error
    version = meta.get("schema_version") if isinstance(meta, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema_version is {version!r}; wanted {SCHEMA_VERSION}: export again with this version")
    views, files = meta.get("views"), meta.get("files")
    if not (isinstance(views, list) and views and all(isinstance(view, dict) for view in views)):
        raise ValueError("views is not a list of objects; wanted one for each view")
    if not isinstance(files, dict):
        raise ValueError("files is not an object; wanted the sha256 of each file")
    return meta


def check_meta(meta: dict[str, Any], report: Report) -> None:
    """Reports each entry that differs from what `write_dataset` writes."""
    if meta.get("source") not in SOURCES:
        report(META, f"source is {meta.get('source')!r}; wanted {' or '.join(SOURCES)}")
    if not isinstance(meta.get("is_metric", False), bool):
        report(META, f"is_metric is {meta['is_metric']!r}; wanted true or false")
    names = [view.get("name") for view in meta["views"]]
    for i, view in enumerate(meta["views"]):
        for key, value in {"index": i, "image": view_files(i)["image"]}.items():
            if view.get(key) != value:
                report(META, f"views[{i}].{key} is {view.get(key)!r}; wanted {value!r}, without a gap")
        if not is_plain_name(names[i]) or names.index(names[i]) < i:
            report(META, f"views[{i}].name is {names[i]!r}; wanted a plain name of its own, without a folder")
        if view.get("origin") not in ORIGINS:
            report(META, f"views[{i}].origin is {view.get('origin')!r}; wanted one of {', '.join(ORIGINS)}")
        try:
            world_from_cam(view)
        except ValueError as error:
            report(META, f"views[{i}].world_from_cam {error}")


def world_from_cam(view: dict[str, Any]) -> Float[Tensor, "4 4"]:
    """The pose in the entry of a view, as float64; ValueError when it is not rigid."""
    try:
        pose = torch.tensor(view.get("world_from_cam"), dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError("is not a table of numbers; wanted 4x4 by rows") from error
    if tuple(pose.shape) != (4, 4) or not pose.isfinite().all():
        raise ValueError(f"has shape {tuple(pose.shape)} or is not finite; wanted 4x4 finite numbers by rows")
    R, last = pose[:3, :3], pose[3].tolist()
    if last != [0, 0, 0, 1]:
        raise ValueError(f"has the last row {last}; wanted 0 0 0 1")
    if (R @ R.T - torch.eye(3).to(R)).abs().max() > ROTATION_TOLERANCE or torch.linalg.det(R) < 0:
        raise ValueError("does not hold a rotation; wanted an orthonormal 3x3 with determinant 1")
    return pose
