"""Refine all 3D Gaussians of a scene together, against posed views with depth and normals.

Writes gaussians_refined.ply, refine_meta.json (what was done, and every view's figures before and after) and
refine_plots.svg into a new folder. The same command goes on where a killed one left its checkpoint, to the same result.

examples:
  vistadream refine --dataset-dir DATASET --init-gaussians START.ply --result-dir refined
  vistadream refine --dataset-dir outputs/photo/DATE/04_coarse --result-dir refined \\
      stages.refine.steps=400 backends/render=gsplat rerun.mode=off
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

from vistadream.commands.guard import Act
from vistadream.refinement import Task, refine

GOING_ON = "the same command goes on from the checkpoint, if there is one"


@dataclass(frozen=True)
class Arguments:
    """What to refine, and where the result goes."""

    dataset_dir: Path
    """Posed views: a dataset (docs/fastgs_dataset.md), or the folder of a finished stage, such as
    outputs/photo/DATE/04_coarse."""
    result_dir: Path
    """New folder for the result."""
    init_gaussians: Annotated[Path | None, tyro.conf.arg(metavar="FILE.ply")] = None
    """3DGS PLY to start from, by any program. Without it, the stage's own; a dataset has none."""
    overrides: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="KNOB=VALUE ...")] = ()
    """Knobs of the stage refine, and those of a run that it reads: stages.refine.steps=400, seed=1,
    backends/render=gsplat, rerun.image_every=5, checkpoint_seconds=60; `vistadream single-img --help` lists them."""


def act(words: Sequence[str] | None, program: str = "vistadream refine") -> Act:
    """What the words ask for, to be called; SystemExit for --help and for words that cannot be read."""
    arguments = tyro.cli(Arguments, prog=program, description=__doc__, args=words)
    task = Task(arguments.dataset_dir, arguments.result_dir, arguments.init_gaussians, arguments.overrides)
    return partial(refine, task)
