"""The sample picture of this project: a path-traced living room with its true camera and depth.

`research/render_sample.py` made it.
"""

from __future__ import annotations

import json
from pathlib import Path

from vistadream.core import Camera

_FOLDER = Path(__file__).parent


def sample_image() -> Path:
    """The picture: an 8-bit sRGB PNG whose EXIF block holds the focal length."""
    return _FOLDER / "sample.png"


def sample_depth() -> Path:
    """Its camera-space z: a 16-bit PNG in millimeters, known at every pixel."""
    return _FOLDER / "sample_depth.png"


def sample_camera() -> Camera:
    """Its camera, at the origin of the world."""
    facts = json.loads((_FOLDER / "sample_camera.json").read_text())
    return Camera.from_focal(facts["focal_px"], facts["width"], facts["height"])
