"""Cameras to and from the network: poses about the first view, one focal length for each lens, and the scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.poses.lenses import lenses_of
from vistadream.core import Camera, UserError, View
from vistadream.ops.depth.align import weighted_median
from vistadream.ops.views.similarity import fit_similarity, fit_similarity_robustly

LONGEST_FOCAL = 50.0
"""Largest plausible focal length, in widths of the picture: a field of view of about one degree."""
_LEAST_DISTANCE = 0.1
"""Smaller median distances from the first view are not enlarged, as in the package."""
_MANY = 10
"""From this number of views on, outliers among the poses are looked for, as in the package."""
_TOLERANCE = 0.1
"""Largest distance of a camera from where it was given, as a share of the extent of all."""


def about_first(cam_from_world: Float[Tensor, "n 4 4"]) -> Float[Tensor, "n 4 4"]:
    """The poses in the axes of the first view, with the median distance from it as the unit, as the network knows them.

    The unit is not smaller than _LEAST_DISTANCE.
    """
    poses = cam_from_world.double()
    poses = poses @ torch.linalg.inv(poses[:1])
    distance = torch.linalg.inv(poses)[:, :3, 3].norm(dim=1).median().clamp(min=_LEAST_DISTANCE)
    poses[:, :3, 3] /= distance
    return poses.to(cam_from_world)


def kept_first(first: Camera, extrinsics: Float[Tensor, "n 3 4"]) -> list[Float[Tensor, "4 4"]]:
    """cam_from_world of every view, such that that of the first view is kept."""
    last_row = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    poses = torch.cat([extrinsics.double(), last_row.expand(len(extrinsics), 1, 4)], 1)
    start = torch.linalg.inv(poses[0]) @ first.cam_from_world.cpu().double()
    rest = [(pose @ start).to(first.cam_from_world) for pose in poses[1:]]
    return [first.cam_from_world, *rest]


def focal_lengths_px(views: Sequence[View], found_px: Sequence[float], weights: Sequence[float]) -> list[float]:
    """For each View the focal length of its lens: the weighted median of what was found in all Views of that lens.

    UserError when nothing plausible was found in any View of a lens.
    """
    _, lens_of = lenses_of(views)
    shared: dict[int, float] = {}
    for lens in dict.fromkeys(lens_of):
        members = [i for i, other in enumerate(lens_of) if other == lens]
        usable = [i for i in members if _is_plausible(found_px[i], views[i])]
        if not usable:
            raise UserError(
                f"Depth Anything 3 found no focal length in {views[members[0]].name!r} (it says "
                f"{found_px[members[0]]:g} px); wanted a plausible one: set camera.focal_px, or take another depth "
                "model with backends/depth="
            )
        values, weight = (torch.tensor([each[i] for i in usable], dtype=torch.float64) for each in (found_px, weights))
        shared[lens] = float(weighted_median(values, weight))
    return [shared[lens] for lens in lens_of]


def _is_plausible(focal_px: float, view: View) -> bool:
    return math.isfinite(focal_px) and 0 < focal_px < LONGEST_FOCAL * view.camera.width


def unit_ratio(found: Sequence[Camera], given: Sequence[Camera], seed: int) -> float | None:
    """How much larger the unit of the found cameras is than that of the given ones, by their centers (Umeyama).

    None for fewer than three cameras, and for centers on one line, which leave it open.
    """
    centers, wanted = (torch.stack([camera.center.cpu().double() for camera in cameras]) for cameras in (found, given))
    try:
        if len(centers) < _MANY:
            return fit_similarity(centers, wanted).scale
        extent = float((wanted - wanted.mean(0)).norm(dim=1).square().mean().sqrt())
        return fit_similarity_robustly(centers, wanted, _TOLERANCE * extent, seed=seed)[0].scale
    except ValueError:
        return None
