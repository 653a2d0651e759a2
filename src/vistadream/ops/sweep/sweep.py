"""Plane sweep: the depth of every pixel at which the photo matches its neighbors best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from vistadream.ops.sweep.eye import Eye
from vistadream.ops.sweep.matching import matching_costs
from vistadream.ops.sweep.smoothing import lowest_plane, smoothed_costs


@dataclass(frozen=True, eq=False)
class Swept:
    """What the sweep found for one photo; not yet compared with other photos."""

    z: Float32[ndarray, "h w"]
    """Camera-space z; 0 where it is unknown."""
    margin: Float32[ndarray, "h w"]
    """By how much the next best depth costs more, from 0 (a tie) on."""

    @staticmethod
    def nothing(eye: Eye) -> Swept:
        """No depth at all, for a photo without neighbors."""
        return Swept(np.zeros_like(eye.gray), np.zeros_like(eye.gray))


@dataclass(frozen=True)
class PlaneSweep:
    """Planes of equal steps in 1 / z, ZNCC, semi-global matching, and the vertex of a parabola."""

    planes: int
    """Number of depths that are tried."""
    radii_px: tuple[int, ...]
    """Windows are squares of 2 * radius + 1 pixels."""
    threads: int

    def __call__(self, reference: Eye, sources: Sequence[Eye], near: float, far: float) -> Swept:
        """The depth of the reference between `near` and `far`, by its neighbors; at least one source.

        The volume of costs takes 2 * planes * h * w * 4 bytes. The result has the same bits for any number of threads.
        """
        inverse_z = np.linspace(1 / far, 1 / near, self.planes, dtype=np.float32)
        volume = matching_costs(reference, sources, inverse_z, self.radii_px, self.threads)
        place, margin = lowest_plane(smoothed_costs(volume, reference.gray, self.threads), self.threads)
        z = 1 / (inverse_z[0] + place * (inverse_z[1] - inverse_z[0]))
        return Swept(np.where(reference.usable, z, np.float32(0)), margin)
