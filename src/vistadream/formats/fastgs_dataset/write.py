"""Writes a dataset from Views, under another name that is renamed at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from vistadream.core import Gaussians, UserError, View
from vistadream.formats.fastgs_dataset.colmap import write_model
from vistadream.formats.fastgs_dataset.layout import (
    CONVENTION,
    META,
    SCHEMA_VERSION,
    SOURCES,
    dataset_files,
    view_files,
)
from vistadream.formats.fastgs_dataset.sample import Sample, sample_of
from vistadream.formats.fastgs_dataset.validate import validate_dataset
from vistadream.formats.files import new_file, sha256_of
from vistadream.ops.depth.align import MIN_PIXELS
from vistadream.ops.image.pixels import to_uint8


def write_dataset(
    views: Sequence[View], gaussians: Gaussians, folder: Path, source: str, is_metric: bool = False
) -> list[str]:
    """Writes Views with depth, and the Gaussians as initial points; `source` is one of SOURCES.

    `is_metric`: the unit of the depth and of the poses is the meter.

    A View with too few pixels that can supervise geometry is left out; returns one line for each of these. Raises
    UserError when the folder is not empty, ValueError when a View or the finished dataset has a fault.
    """
    if source not in SOURCES:
        raise ValueError(f"write_dataset.source: got {source!r}; wanted {' or '.join(SOURCES)}")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder} is there already; wanted a new or an empty folder: name another, or move it away")
    samples = [sample_of(view) for view in views]
    used = [sample for sample in samples if int(sample.geometry.sum()) >= MIN_PIXELS]
    left_out = [_too_few(sample) for sample in samples if sample not in used]
    if not used:
        raise ValueError(f"write_dataset.views: nothing to write; {'; '.join(left_out) or 'got none'}")
    with new_file(folder) as draft:
        _write(draft, used, gaussians, {"source": source, "is_metric": is_metric, "left_out": left_out})
        if faults := validate_dataset(draft):
            raise ValueError(f"write_dataset: {'; '.join(map(str, faults))}")
    return left_out


def _too_few(sample: Sample) -> str:
    n = int(sample.geometry.sum())
    return f"view {sample.view.name!r} is left out: {n} pixels may supervise geometry; wanted {MIN_PIXELS} or more"


def _write(folder: Path, samples: Sequence[Sample], gaussians: Gaussians, about: dict[str, Any]) -> None:
    files = [view_files(i) for i in range(len(samples))]
    for file in dataset_files(len(samples)):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
    for sample, names in zip(samples, files, strict=True):
        _write_maps(sample, {kind: folder / name for kind, name in names.items()})
    cameras = [sample.view.camera for sample in samples]
    write_model(folder, cameras, [Path(names["image"]).name for names in files], gaussians)
    meta = {
        "schema_version": SCHEMA_VERSION,
        **about,
        "convention": CONVENTION,
        "views": [_entry(i, sample.view) for i, sample in enumerate(samples)],
        "files": {file: sha256_of(folder / file) for file in dataset_files(len(samples))},
    }
    (folder / META).write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")


def _write_maps(sample: Sample, paths: dict[str, Path]) -> None:
    view = sample.view
    Image.fromarray(to_uint8(view.rgb)).save(paths["image"], compress_level=1)
    np.save(paths["depth"], view.depth.float().cpu().numpy(), allow_pickle=False)
    np.save(paths["normal"], sample.normals.float().cpu().numpy(), allow_pickle=False)
    for kind, mask in (("mask", sample.geometry), ("supervise", view.supervise), ("generated", view.generated)):
        Image.fromarray(to_uint8(mask.float())).save(paths[kind])


def _entry(index: int, view: View) -> dict:
    """The entry of a view in META."""
    origin = "mixed" if bool(view.generated.any()) else "photographed"
    return {
        "index": index,
        "name": view.name,
        "image": view_files(index)["image"],
        "origin": "generated" if bool(view.generated.all()) else origin,
        "world_from_cam": torch.linalg.inv(view.camera.cam_from_world.double()).tolist(),
    }
