"""The settings of SuperSplat's viewer, for the exported page "html" and the page of the service. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vistadream.formats.viewer_limits import ViewerLimits

FLIGHT_S = 20
"""Duration of the viewer's flight along the camera path, one way."""
MOVED = (0.05, 1.0)
"""The least and the most that a reach is measured to be: a distance as a share of the focus distance."""
TURNED_DEG = (2.0, 45.0)
"""The same of the angles."""


def viewer_settings(
    positions: Sequence[Sequence[float]], targets: Sequence[Sequence[float]], half_extent: float
) -> dict[str, Any]:
    """The settings of the viewer (SuperSplat Viewer, settings version 1).

    It starts at the first of `positions`, of shape (n, 3), and flies along them; at each it looks at the target of the
    same index. With one it stays there. The viewer's world is this project's world rotated by 180 degrees about z, so
    that y is up; its field of view is that of the longer side, of which half is `half_extent` at the distance 1.
    """
    n = len(positions)
    track = {
        **{"name": "flight", "target": "camera", "loopMode": "pingpong", "interpolation": "spline", "smoothness": 1},
        **{"duration": FLIGHT_S, "frameRate": n / FLIGHT_S},
        "keyframes": {
            "times": list(range(n)),
            "values": {"position": _flat(positions), "target": _flat(targets)},
        },
    }
    return {
        "camera": {
            "position": list(positions[0]),
            "target": list(targets[0]),
            "fov": math.degrees(2 * math.atan(half_extent)),
            "startAnim": "animTrack",
        },
        "background": {"color": [0.0, 0.0, 0.0]},
        "animTracks": [track],
    }


def viewer_limits(moved: Mapping[str, float], turned_deg: Mapping[str, float], focus_z: float) -> ViewerLimits:
    """The limits of the viewer's camera in a scene with this reach. They are never so narrow that it cannot move."""
    way = {name: focus_z * _within(share, MOVED) for name, share in moved.items()}
    return ViewerLimits(way, {name: _within(angle, TURNED_DEG) for name, angle in turned_deg.items()}, focus_z)


def _within(amount: float, limits: tuple[float, float]) -> float:
    return min(max(limits[0], amount), limits[1])


def _flat(points: Sequence[Sequence[float]]) -> list[float]:
    return [number for point in points for number in point]
