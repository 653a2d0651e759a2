"""Camera paths, as pure functions of a scene and of their knobs."""

from vistadream.ops.trajectory.clearance import ClearPath, keep_clear
from vistadream.ops.trajectory.interpolate import Interpolate
from vistadream.ops.trajectory.paths import Dolly, Orbit, Rotate, Spiral, Swing, Wobble
from vistadream.ops.trajectory.pose import Reach, look_at, reach_of

__all__ = [
    "ClearPath",
    "Dolly",
    "Interpolate",
    "Orbit",
    "Reach",
    "Rotate",
    "Spiral",
    "Swing",
    "Wobble",
    "keep_clear",
    "look_at",
    "reach_of",
]
