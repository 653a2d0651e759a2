"""The words of earlier versions, which are understood on the command line and in saved runs."""

from __future__ import annotations

import re

_EARLIER = {
    r"stages\.load\.(image|prompt)": r"\1",
    r"stages\.load\.(focal_px|principal_px|fov_x_deg)": r"camera.\1",
    r"stages\.load\.(?!source\b)(\w+)": r"source.\1",
    r"export\.(formats|smoothing_px2)": r"export.gaussians.\1",
    r"export\.videos": "export.video.pictures",
    r"export\.video_(formats|fps|crf)": r"export.video.\1",
    r"export\.video_(frames|trajectory)": r"flight.\1",
    r"(stages\.\w+)\.(rates|dssim|generated_weight)": r"\1.fitting.\2",
    r"(stages\.\w+)\.close_ups": r"\1.fitting.zoomed_share",
    r"stages\.coarse\.n_candidates": "stages.coarse.candidates.count",
    r"stages\.coarse\.margin_px": "stages.coarse.candidates.margin_px",
    r"(stages\.\w+)\.(sigma_px|thickness)": r"\1.lifting.\2",
}
"""Patterns of earlier names of knobs, and their present names. `config/exports.py` has the switches of results."""


def today(word: str) -> str:
    """The word with the present name of its knob; its value is not changed."""
    name, equals, value = word.partition("=")
    bare = present = name.lstrip("+~")
    for earlier, replacement in _EARLIER.items():
        present = re.sub(rf"^{earlier}(?=\.|$)", replacement, present)
    return f"{name.removesuffix(bare)}{present}{equals}{value}"
