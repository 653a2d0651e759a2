"""What a resumed job would do, and whether it could. Imports torch: the clerk's process alone uses it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from vistadream.app import job_from_words
from vistadream.core import Scene, UserError
from vistadream.formats.camera_file import read_cameras
from vistadream.formats.scene import load_scene
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.camera_path.pose import reach_of
from vistadream.runs.chain import chain
from vistadream.runs.paths import RunPaths

_FURTHEST = 2.0
"""How far from the photo's place a camera may be, in focus distances. Further away nothing of the photo is left."""


def stages_of(words: Sequence[str], job: str, run: Path) -> list[dict[str, Any]]:
    """The stages of a job with these words, and which of them its run folder has as they would be made."""
    made, paths, kept = job_from_words(words, job=job), RunPaths(run), True
    stages = []
    for name, key in chain(made.fingerprints).items():
        done = paths.finished(name) or {}
        kept = kept and done.get("key") == key
        stages.append({"stage": name, "kept": kept, "seconds": done.get("seconds")})
    return stages


def refuse_blocked(cameras: Path, run: Path) -> None:
    """UserError where a camera of a file is in something, or where the scene of a run folder does not reach.

    A run without a finished stage has nothing to be in.
    """
    paths = RunPaths(run)
    if not (finished := paths.finished_stages()):
        return
    scene = load_scene(paths.stage(finished[-1]))
    if scene.anchor.z is None:
        return
    poses = torch.stack([entry.cam_from_world for entry in read_cameras(cameras)]).float()
    centers = torch.linalg.inv(poses)[:, :3, 3]
    for i, center in enumerate(centers):
        if reason := _blocked(center, scene):
            raise UserError(
                f"camera {i} is not in free space: {reason}; wanted a place that the photo shows to be free"
            )


def _blocked(center: torch.Tensor, scene: Scene) -> str | None:
    """What is in the way of a camera; None for nothing."""
    focus_z = reach_of(scene.anchor).focus_z
    away = float((center - scene.anchor.camera.center).norm())
    if away > _FURTHEST * focus_z:
        return f"it is {away:.2g} away from the photo's place, and the scene reaches {_FURTHEST * focus_z:.2g}"
    space = FreeSpace.of(scene)
    return None if bool(space.contains(center[None]).all()) else space.obstacle(center)
