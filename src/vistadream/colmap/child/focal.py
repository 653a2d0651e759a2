"""Whether the pictures agree with the focal lengths that are known, or leave them open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from vistadream.colmap.child.adjustment import adjust
from vistadream.colmap.child.mapper import map_from, polished
from vistadream.colmap.child.model import pinhole
from vistadream.colmap.child.scores import by_rank, rank, reprojection_errors, score, support

_KNOWN_FOCAL_SUPPORT, _GUESSED_FOCAL_SUPPORT = 0.95, 0.996
"""The share of support from which on a known, or a guessed, focal length is believed rather than the fitted one.

Photos that leave the focal length open were seen to have 0.9997 and more with a guess. Twelve photos of a room that fix
it within 1 % had 0.990 to 0.993, by the seed, with a guess that is 11 % off."""
_NO_WORSE = 0.95
"""The share of the best model's support that a model with these focal lengths must have."""


def settled(
    folder: Path, model: pycolmap.Reconstruction, request: dict[str, Any]
) -> tuple[pycolmap.Reconstruction, dict[str, bool]]:
    """The model with its known focal lengths if the pictures agree, or with the guess if they leave it open.

    Whether they agree is seen from how much support is gained when the focal lengths are set free. The flags say
    whether the known ones were kept, and whether the guess was.
    """
    known = [i + 1 for i, camera in enumerate(request["cameras"]) if camera["known"] and i + 1 in model.cameras]
    held = held_model(folder, model, request, known or sorted(model.cameras))
    freed = pycolmap.Reconstruction(held)
    adjust(freed)
    keep = agree(held, freed, model, _KNOWN_FOCAL_SUPPORT if known else _GUESSED_FOCAL_SUPPORT)
    better = rank(score(freed)) > (model.num_reg_images(), score(model)[3] / _NO_WORSE)
    flags = {"known_kept": keep and bool(known), "guess_kept": keep and not known}
    return held if keep else freed if better else model, flags


def held_model(
    folder: Path, model: pycolmap.Reconstruction, request: dict[str, Any], camera_ids: list[int]
) -> pycolmap.Reconstruction:
    """The better of two models with the focal lengths of the request: `model` adjusted to them, and one grown anew."""
    cameras, seed = request["cameras"], request["seed"]
    candidates = [with_focal(model, cameras, camera_ids)]
    start = {"cameras": cameras, "calibrate": False, "mapper": "incremental"}
    if request["map_again"] and (again := map_from(folder, start, seed, camera_ids)) is not None:
        candidates.append(polished(folder, again, seed, camera_ids))
    return max(candidates, key=by_rank)


def agree(
    held: pycolmap.Reconstruction, freed: pycolmap.Reconstruction, best: pycolmap.Reconstruction, share: float
) -> bool:
    """Whether the held focal lengths explain `share` of what the freed ones do, and about as much as the best model."""
    scale_px = 2 * float(np.median(reprojection_errors(freed)))
    as_good = rank(score(held)) >= (best.num_reg_images(), _NO_WORSE * score(best)[3])
    return as_good and support(held, scale_px) >= share * support(freed, scale_px)


def with_focal(
    model: pycolmap.Reconstruction, cameras: list[dict[str, Any]], camera_ids: list[int]
) -> pycolmap.Reconstruction:
    """A copy of the model, adjusted to these focal lengths of some of its cameras."""
    held = pycolmap.Reconstruction(model)
    for camera_id in camera_ids:
        held.cameras[camera_id] = pinhole(cameras[camera_id - 1], camera_id)
    adjust(held, camera_ids)
    return held
