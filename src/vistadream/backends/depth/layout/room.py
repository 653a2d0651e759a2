"""A box room around the camera, with benches (counters, desks, sofas, beds) along its walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

FACE_AXES = np.array([1, 1, 0, 0, 2])
"""Room axis perpendicular to the floor, ceiling, left, right and far wall."""
FACE_SIDES = np.array([1, -1, -1, 1, 1])
"""Side of the camera on which each lies along its axis (y points down)."""
SURFACE_AXES = np.array([*FACE_AXES, 0, 0, 2, 1, 1, 1])
"""FACE_AXES for all surfaces: those five, then the fronts and the tops of the left, right and far bench."""
SLOWEST = 1e-6
"""Closing speed of a plane to which a ray is parallel, or from which it moves away."""


@dataclass(frozen=True)
class Room:
    """Lengths in heights of the camera above the floor."""

    walls: tuple[float, float, float, float]
    """Distance from the camera to ceiling, left, right and far wall."""
    fronts: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Front of the bench along the left, right and far wall, as a fraction of the distance to that wall; 1: none."""
    tops: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Distance of the benches' tops below the camera; 1: on the floor."""

    @property
    def benches(self) -> int:
        """Number of existing benches, 0 to 3."""
        return sum(front < 1 and top < 1 for front, top in zip(self.fronts, self.tops, strict=True))

    def cast(self, rays_room: Float[ndarray, "*n 3"]) -> tuple[Float[ndarray, "*n"], Int[ndarray, "*n"]]:
        """Ray parameter (in lengths of the ray) at the first surface, and the index of that surface (`SURFACE_AXES`).

        The closing speed of a plane is 1 / ray parameter. The ray leaves the room through the plane with the highest
        speed. It enters a bench after it passed both its front and its top, that is at the lower of these two speeds.
        """
        planes = np.maximum(rays_room[..., FACE_AXES] * FACE_SIDES, SLOWEST) / [1.0, *self.walls]
        fronts, tops = planes[..., 2:] / self.fronts, planes[..., :1] / self.tops
        speeds = np.concatenate([planes, np.minimum(fronts, tops)], -1)
        surfaces = np.broadcast_to(np.arange(5), planes.shape)
        surfaces = np.concatenate([surfaces, np.where(fronts < tops, [5, 6, 7], [8, 9, 10])], -1)
        fastest = speeds.argmax(-1)[..., None]
        return 1 / speeds.max(-1), np.take_along_axis(surfaces, fastest, -1)[..., 0]


USUAL_ROOM = Room((0.75, 1.2, 1.2, 2.2))
"""The room that is assumed without any evidence."""
