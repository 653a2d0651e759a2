"""How far the camera of SuperSplat's viewer may go, and a page of splat-transform whose camera stays there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BEGIN = "const viewer = await main(canvas, settingsJson, config);"
"""The line of the page, as splat-transform 2.7.1 writes it, that starts the viewer."""
LIMITER = Path(__file__).parent / "viewer_limits.js"
"""The module that the page of the service has too."""
_SCRIPTS = (LIMITER, LIMITER.with_name("viewer_page.js"))


@dataclass(frozen=True)
class ViewerLimits:
    """How far the camera may go from the photo's place, and how far it may turn away from the focus.

    Both are given by direction in the photo's camera axes: right, left, up, down, and for the way forward, backward.
    """

    way: Mapping[str, float]
    """In the unit of the scene."""
    turn_deg: Mapping[str, float]
    focus_z: float

    def to_json(self) -> dict[str, list]:
        """For `viewer_limits.js`. The viewer's x is left and its y is up."""
        way, turn = self.way, self.turn_deg
        return {
            "low": [-way["right"], -way["down"], -way["backward"]],
            "high": [way["left"], way["up"], way["forward"]],
            "target": [0, 0, self.focus_z],
            "yawDeg": [-turn["right"], turn["left"]],
            "pitchDeg": [-turn["down"], turn["up"]],
        }


def limit_viewer(page: Path, limits: ViewerLimits) -> bool:
    """Adds the limits to a page; False, with the page unchanged, where its viewer starts in another way."""
    text = page.read_text(encoding="utf-8")
    if text.count(_BEGIN) != 1:
        return False
    script = "".join(file.read_text(encoding="utf-8") for file in _SCRIPTS).replace("export function", "function")
    call = f"{script}keepWithin(viewer, {json.dumps(limits.to_json())});"
    page.write_text(text.replace(_BEGIN, f"{_BEGIN}\n{call}"), encoding="utf-8")
    return True
