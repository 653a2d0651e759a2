"""One model: grown from the focal lengths of a start, and with all points that its cameras can see well."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pycolmap

from vistadream.colmap.child.adjustment import GOOD_PX, MOST_ERROR_PX, adjust, drop_outliers
from vistadream.colmap.child.model import pinhole

_RAY_ERROR_DEG = 0.5


def map_from(
    folder: Path, start: dict[str, Any], seed: int, constant_cameras: Sequence[int] = ()
) -> pycolmap.Reconstruction | None:
    """The largest model that grows from the focal lengths of a start; None when nothing registers."""
    database = folder / "start.db"
    shutil.copy(folder / "matches.db", database)
    with pycolmap.Database.open(database) as opened:
        for i, camera in enumerate(start["cameras"]):
            opened.update_camera(pinhole(camera, i + 1))
    if start["calibrate"] and not take_calibrated_focal(database, seed):
        return None
    options = pipeline(seed, constant_cameras)
    models = pycolmap.incremental_mapping(database, folder / "pictures", fresh(folder / "models"), options)
    if not models:
        return None
    model = max(models.values(), key=lambda m: (m.num_reg_images(), m.num_points3D()))
    adjust(model, constant_cameras)
    return model


def take_calibrated_focal(database: Path, seed: int) -> bool:
    """Sets focal lengths that agree with the matches of all pairs; False when there are none.

    The matches stay as they are: the calibration would drop those that it does not trust.
    """
    copy = database.with_name("calibration.db")
    shutil.copy(database, copy)
    if not pycolmap.calibrate_view_graph(copy, pycolmap.ViewGraphCalibrationOptions(random_seed=seed)):
        return False
    with pycolmap.Database.open(copy) as calibrated, pycolmap.Database.open(database) as opened:
        for camera in calibrated.read_all_cameras():
            opened.update_camera(camera)
    return True


def polished(
    folder: Path, model: pycolmap.Reconstruction, seed: int, constant_cameras: Sequence[int] = ()
) -> pycolmap.Reconstruction:
    """The model with all points that its cameras can see well, adjusted to these."""
    model = triangulated(folder, model, seed)
    adjust(model, constant_cameras)
    drop_outliers(model, GOOD_PX)
    adjust(model, constant_cameras)
    return model


def triangulated(folder: Path, model: pycolmap.Reconstruction, seed: int) -> pycolmap.Reconstruction:
    """The model with new points."""
    options = pipeline(
        seed,
        create_max_angle_error=_RAY_ERROR_DEG,
        continue_max_angle_error=_RAY_ERROR_DEG,
        merge_max_reproj_error=MOST_ERROR_PX,
        complete_max_reproj_error=MOST_ERROR_PX,
    )
    models = fresh(folder / "models")
    return pycolmap.triangulate_points(model, folder / "matches.db", folder / "pictures", models, options=options)


def pipeline(
    seed: int, constant_cameras: Sequence[int] = (), **triangulation: Any
) -> pycolmap.IncrementalPipelineOptions:
    """Options for few photos: points count that only two of them see, and so do small angles and few matches."""
    few = {"init_min_tri_angle": 4.0, "init_min_num_inliers": 30, "abs_pose_min_num_inliers": 15}
    return pycolmap.IncrementalPipelineOptions(
        num_threads=1,
        random_seed=seed,
        min_model_size=2,
        constant_cameras=set(constant_cameras),
        mapper={"num_threads": 1, "random_seed": seed, **few},
        triangulation={"random_seed": seed, "ignore_two_view_tracks": False, **triangulation},
    )


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
