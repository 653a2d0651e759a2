"""Depth of a single-view model where photos agree on none, brought to the measured depth around it."""

from __future__ import annotations

from dataclasses import replace

import torch

from vistadream.core import DepthEstimator, DepthPrediction, View
from vistadream.ops.depth.carry import carried

FILLED = 0.1
"""Confidence of a pixel that was filled."""


def filled(measured: DepthPrediction, view: View, model: DepthEstimator, max_misfit: float) -> DepthPrediction:
    """The measured depth, and elsewhere that of the model where it fits the measured depth around to `max_misfit`.

    Also what the model takes for sky, which is never valid.
    """
    single = model([view])[0]
    sky = torch.zeros_like(measured.valid) if single.sky is None else single.sky
    usable = single.valid & single.z.isfinite() & (single.z > 0)
    known = measured.valid & usable & ~sky
    predicted = torch.where(usable, single.z, 1.0)
    z, misfit = carried(predicted, torch.where(known, measured.z, 1.0), known)
    new = ~measured.valid & usable & ~sky & view.lift & (misfit <= max_misfit)
    sure = torch.ones_like(measured.z) if measured.confidence is None else measured.confidence
    return replace(
        measured,
        z=torch.where(new, z, measured.z),
        valid=(measured.valid | new) & ~sky,
        confidence=torch.where(new, FILLED, sure),
        sky=sky,
    )
