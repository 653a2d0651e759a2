"""Refine Gaussians against the views of a run's stage, or of an exported dataset, outside any run.

python tools/run_fastgs_refine.py --dataset-dir outputs/photo/DATE/04_coarse --result-dir new stages.refine.steps=400
python tools/run_fastgs_refine.py --dataset-dir DATASET --init-gaussians START.ply --result-dir new
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console

from vistadream.config import compose
from vistadream.core import Scene, UserError, View
from vistadream.exporters.fastgs_dataset import is_dataset, read_dataset
from vistadream.exporters.ply import read_ply, write_ply
from vistadream.meter import Meter
from vistadream.observers.console import ConsoleObserver
from vistadream.observers.fan import Fan
from vistadream.ops.metrics import psnr
from vistadream.provenance import environment
from vistadream.run_folder import RunFolder, file_digest, load_scene, write_json


@dataclass(frozen=True)
class Arguments:
    """Refine every Gaussian of a scene against its views."""

    dataset_dir: Path
    """Folder of a finished stage, such as outputs/photo/DATE/04_coarse, or a dataset as docs/fastgs_dataset.md says."""
    result_dir: Path
    """New folder for gaussians_refined.ply and refine_meta.json."""
    init_gaussians: Path | None = None
    """PLY to start from; without it, the stage's own. A dataset has none."""
    overrides: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Knobs of the refinement, such as stages.refine.steps=400."""


def refine(arguments: Arguments) -> None:
    """Writes the refined PLY and its provenance; UserError on bad input, and nothing is overwritten."""
    if arguments.result_dir.exists():
        raise UserError(f"{arguments.result_dir} exists already; wanted a new folder: name another --result-dir")
    composed = compose(arguments.overrides)
    views = _views(arguments.dataset_dir)
    start = arguments.init_gaussians or arguments.dataset_dir / "gaussians.ply"
    scene = Scene(views, read_ply(start))
    with ConsoleObserver(Console()) as console, Meter() as meter:
        refined = composed.build("stages.refine")(scene, Fan(console))
    renderer = composed.build("backends.render")
    meta = {
        "dataset_dir": str(arguments.dataset_dir),
        "init_gaussians": {"path": str(start), "sha256": file_digest(start)},
        "knobs": composed.plain("stages.refine"),
        "seconds": meter.seconds,
        "peak_bytes": meter.peak_bytes,
        "gaussians": len(refined.gaussians),
        "views": {view.name: {"psnr_db": _psnrs(renderer, view, scene, refined)} for view in scene.views},
        **environment(),
    }
    folder = RunFolder(arguments.result_dir)
    with folder.replace(arguments.result_dir / "gaussians_refined.ply") as draft:
        write_ply(refined.gaussians, draft)
    with folder.replace(arguments.result_dir / "refine_meta.json") as draft:
        write_json(draft, meta)


def _views(folder: Path) -> tuple[View, ...]:
    """Of a dataset, with depth where it may supervise geometry; or of a stage."""
    if is_dataset(folder):
        return tuple(
            replace(sample.view, z=torch.where(sample.geometry, sample.view.z, 0.0)) for sample in read_dataset(folder)
        )
    if not (folder / "scene.json").exists():
        raise UserError(
            f"{folder} holds no scene.json and no meta.json; wanted a stage's folder, as 04_coarse of a run, "
            "or a dataset, as its export/fastgs"
        )
    return load_scene(folder).views


def _psnrs(renderer, view, *scenes: Scene) -> list[float]:
    """PSNR over the supervised pixels, before and after."""
    seen = [renderer(scene.gaussians, [view.camera], want=("rgb",))[0].rgb for scene in scenes]
    return [round(psnr(rgb, view.rgb, view.supervise), 3) for rgb in seen]


if __name__ == "__main__":
    try:
        refine(tyro.cli(Arguments, description=__doc__))
    except UserError as error:
        print(f"run_fastgs_refine: {error}", file=sys.stderr)
        sys.exit(2)
