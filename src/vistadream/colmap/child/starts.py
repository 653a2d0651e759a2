"""The task `map`: the cameras of all pictures, from several starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from vistadream.colmap.child.files import keep
from vistadream.colmap.child.focal import settled
from vistadream.colmap.child.mapper import map_from, polished
from vistadream.colmap.child.model import Arrays, read_model
from vistadream.colmap.child.parent import report
from vistadream.colmap.child.scores import rank, score

_SAME_SUPPORT = 0.98


def find_cameras(folder: Path, request: dict[str, Any]) -> Arrays:
    """The best model of several starts: most pictures, then the largest support.

    Starts are left out once two have registered every picture with nearly the same support.
    """
    best: tuple[int, pycolmap.Reconstruction] | None = None
    scores: list[list[float]] = []
    total = len(request["starts"])
    for i, start in enumerate(request["starts"]):
        model = map_from(folder, start, request["seed"])
        scores.append([0, 0, 0, 0] if model is None else score(model))
        if model is not None and (best is None or rank(scores[i]) > rank(scores[best[0]])):
            best = i, model
        report("mapping", i + 1, total)
        if agree(scores, request["pictures"]):
            report("mapping", total, total)
            break
    if best is None:
        return {"scores": np.array(scores)}
    model, kept = settled(folder, polished(folder, best[1], request["seed"]), request)
    keep(model, folder)
    return {"scores": np.array(scores), "best": best[0]} | kept | read_model(model)


def agree(scores: list[list[float]], pictures: int) -> bool:
    """Whether the two best models have all pictures and nearly the same support."""
    best = sorted(scores, key=rank)[-2:]
    return len(best) == 2 and best[0][0] == pictures and best[0][3] >= _SAME_SUPPORT * best[1][3]
