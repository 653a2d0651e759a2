"""A Registration in the world and the unit of the poses that the Views brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from vistadream.core import Registration, View
from vistadream.ops.views.similarity import fit_similarity_robustly

_TOLERANCE = 0.1
"""Largest distance of a camera from where it was given, as a share of the extent of all."""


def in_unit_of(views: Sequence[View], found: Registration) -> Registration:
    """Moved so that the cameras lie where they were given; as it is when fewer than three can be compared."""
    posed = [view for view in views if view.pose_known and view.name in found.cameras]
    if len(posed) < 3:
        return found
    centers = torch.stack([found.cameras[view.name].center for view in posed])
    given = torch.stack([view.camera.center for view in posed])
    extent = float((given - given.mean(0)).norm(dim=1).square().mean().sqrt())
    try:
        move, near = fit_similarity_robustly(centers, given, _TOLERANCE * extent)
    except ValueError:  # they lie on one line
        return found
    if 2 * int(near.sum()) <= len(posed):
        return found
    cameras = {name: move.camera(camera) for name, camera in found.cameras.items()}
    return replace(
        found, cameras=cameras, points=replace(found.points, xyz=move.points(found.points.xyz)), keeps_unit=True
    )
