"""One model: grown from the focal lengths of a start, and with all points that its cameras can see well."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pycolmap

from vistadream.colmap.child.adjustment import GOOD_PX, MOST_ERROR_PX, adjust, drop_outliers
from vistadream.colmap.child.files import DATABASE, fresh
from vistadream.colmap.child.model import pinhole
from vistadream.colmap.child.options import all_at_once, photo_after_photo

_RAY_ERROR_DEG = 0.5


def map_from(
    folder: Path, start: dict[str, Any], seed: int, constant_cameras: Sequence[int] = ()
) -> pycolmap.Reconstruction | None:
    """The largest model that grows from the focal lengths of a start; None when nothing registers."""
    database, pictures, models = folder / "start.db", folder / "pictures", fresh(folder / "models")
    shutil.copy(folder / DATABASE, database)
    with pycolmap.Database.open(database) as opened:
        for i, camera in enumerate(start["cameras"]):
            opened.update_camera(pinhole(camera, i + 1))
    if start["mapper"] == "global":
        calibrate(database, seed)
        found = pycolmap.global_mapping(database, pictures, models, all_at_once(seed))
    else:
        if start["calibrate"] and not take_calibrated_focal(database, seed):
            return None
        found = pycolmap.incremental_mapping(database, pictures, models, photo_after_photo(seed, constant_cameras))
    if not found:
        return None
    model = max(found.values(), key=lambda m: (m.num_reg_images(), m.num_points3D()))
    adjust(model, constant_cameras)
    return model


def calibrate(database: Path, seed: int) -> bool:
    """Sets focal lengths that agree with the matches of all pairs, and drops matches that contradict them.

    False when there are no such focal lengths; then nothing is changed.
    """
    return pycolmap.calibrate_view_graph(database, pycolmap.ViewGraphCalibrationOptions(random_seed=seed))


def take_calibrated_focal(database: Path, seed: int) -> bool:
    """Sets the focal lengths of `calibrate`, and leaves the matches as they are; False when there are none."""
    copy = database.with_name("calibration.db")
    shutil.copy(database, copy)
    if not calibrate(copy, seed):
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
    options = photo_after_photo(
        seed,
        create_max_angle_error=_RAY_ERROR_DEG,
        continue_max_angle_error=_RAY_ERROR_DEG,
        merge_max_reproj_error=MOST_ERROR_PX,
        complete_max_reproj_error=MOST_ERROR_PX,
    )
    models = fresh(folder / "models")
    return pycolmap.triangulate_points(model, folder / DATABASE, folder / "pictures", models, options=options)
