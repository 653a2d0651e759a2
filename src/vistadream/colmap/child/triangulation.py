"""The task `triangulate`: points for cameras whose poses are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from vistadream.colmap.child.adjustment import GOOD_PX, MOST_ERROR_PX, adjust, drop_outliers
from vistadream.colmap.child.files import DATABASE, keep
from vistadream.colmap.child.mapper import triangulated
from vistadream.colmap.child.model import Arrays, pinhole, read_model
from vistadream.colmap.child.parent import report
from vistadream.colmap.child.scores import score

_REFINING_ROUNDS = 3


def triangulate(folder: Path, request: dict[str, Any]) -> Arrays:
    """Points from cameras whose poses are known; with `refine` the poses, and unknown lenses, are adjusted too."""
    rounds = _REFINING_ROUNDS if request["refine"] else 1
    known = [i + 1 for i, camera in enumerate(request["cameras"]) if camera["known"]]
    model = posed_model(folder, request)
    for i in range(rounds):
        model = triangulated(folder, model, request["seed"])
        if request["refine"] and model.num_points3D():
            adjust(model, known)
        report("triangulation", i + 1, rounds)
    drop_outliers(model, GOOD_PX if request["refine"] else MOST_ERROR_PX)
    keep(model, folder)
    return {"scores": np.array([score(model)]), "best": 0} | read_model(model)


def posed_model(folder: Path, request: dict[str, Any]) -> pycolmap.Reconstruction:
    """A model of the posed pictures, with the identities that the database gave them."""
    model = pycolmap.Reconstruction()
    for i, camera in enumerate(request["cameras"]):
        model.add_camera_with_trivial_rig(pinhole(camera, i + 1))
    with pycolmap.Database.open(folder / DATABASE) as database:
        for image in database.read_all_images():
            pose = request["cam_from_world"][int(image.name[:5])]
            if pose is not None:
                model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(np.array(pose)[:3]))
    return model
