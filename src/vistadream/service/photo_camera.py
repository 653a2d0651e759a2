"""The photo's camera in the world of a run, for those who look at its scene. It is read from files, without torch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from vistadream.exporters.viewer_settings import viewer_limits, viewer_settings
from vistadream.formats.json_file import read_json
from vistadream.runs.paths import RunPaths
from vistadream.service.models import PhotoCamera
from vistadream.service.problems import ProblemError

_MOST = 100_000
"""Pixels of which the depths are sorted."""


def photo_camera(paths: RunPaths) -> PhotoCamera | None:
    """The camera after the newest stage that knows the photo's depth; None as long as no such stage has finished."""
    for stage in reversed(paths.finished_stages()):
        folder = paths.stage(stage)
        if (found := _camera_of(folder, stage)) is not None:
            return found
    return None


def start_settings(paths: RunPaths) -> dict[str, Any]:
    """The settings of a viewer that stays at the photo's place; ProblemError 404 without a scene, 422 if damaged."""
    try:
        photo = photo_camera(paths)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ProblemError(422, "the files of this scene are damaged; wanted a run whose stages are whole") from error
    if photo is None:
        raise ProblemError(404, "no stage of this run knows the photo's depth yet; wanted initialize to be finished")
    half_extent = max(photo.width_px / photo.focal_px[0], photo.height_px / photo.focal_px[1]) / 2
    return viewer_settings([[0.0, 0.0, 0.0]], [[0.0, 0.0, photo.focus_z]], half_extent)


def limits_of(paths: RunPaths, settings: dict[str, Any]) -> dict[str, Any] | None:
    """How far the camera of a viewer with these settings may go; None where metrics.json does not have the reach."""
    focus_z = math.dist(settings["camera"]["position"], settings["camera"]["target"])
    try:
        metrics = read_json(paths.root / "metrics.json")
        return viewer_limits(metrics["reach"], metrics["reach_turned_deg"], focus_z).to_json()
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _camera_of(folder: Path, stage: str) -> PhotoCamera | None:
    name = Path(read_json(folder / "scene.json")["views"][0]).name
    depth = folder / "views" / f"{name}.z.npy"
    if not depth.is_file():
        return None
    camera = read_json(folder / "views" / f"{name}.camera.json")
    return PhotoCamera(stage=stage, focus_z=_focus_z(depth), **_lens(camera))


def _lens(camera: dict[str, Any]) -> dict[str, Any]:
    (fx, _, cx), (_, fy, cy), _ = camera["K"]
    size = {"width_px": camera["width"], "height_px": camera["height"]}
    return size | {"focal_px": (fx, fy), "principal_px": (cx, cy)}


def _focus_z(depth: Path) -> float:
    """The distance of the main subject, as `ops.camera_path.pose.reach_of` has it."""
    import numpy as np  # not before a scene is looked at

    z = np.load(depth, allow_pickle=False)
    z = z[z > 0]
    near, middle = np.quantile(z[:: max(1, len(z) // _MOST)], [0.05, 0.5])
    return float(2 / (1 / near + 1 / middle))
