"""The direction of gravity, from the attitudes that were found in the copies of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from vistadream.backends.depth.layout.copies import Copy
from vistadream.backends.depth.layout.manhattan import Manhattan
from vistadream.backends.depth.layout.trust import smooth_step

NO_SUPPORT, FULL_SUPPORT = 0.3, 0.7
"""Mean support at which the direction is not certain at all, and as certain as the copies agree. On generated worlds
its median error is over 11 degrees with a support under 0.5, and 0.3 degrees with one over 0.7."""
AGREEING_DEG = 5.0
"""Mean angle between the copies' directions and their mean at which half of the certainty is left."""


def direction_down(found: Sequence[Manhattan], copies: Sequence[Copy]) -> Float[ndarray, "3"]:
    """The direction of gravity in OpenCV camera axes; its length, 0 to 1, is how certain it is."""
    downs = np.stack([_down(manhattan, copy) for manhattan, copy in zip(found, copies, strict=True)])
    supports = np.array([manhattan.support for manhattan in found])
    mean = (supports[:, None] * downs).sum(0) + 1e-9 * downs[0]
    mean /= np.linalg.norm(mean)
    apart_deg = float(np.degrees(np.arccos(np.clip(downs @ mean, -1, 1))).mean())
    supported = smooth_step((float(supports.mean()) - NO_SUPPORT) / (FULL_SUPPORT - NO_SUPPORT))
    certain: Float[ndarray, "3"] = mean * supported / (1 + (apart_deg / AGREEING_DEG) ** 2)
    return certain


def _down(manhattan: Manhattan, copy: Copy) -> Float[ndarray, "3"]:
    """In the axes of the picture's camera, which is not mirrored."""
    x, y, z = manhattan.room_from_cam[1]
    return np.array([-x if copy.mirrored else x, y, z])
