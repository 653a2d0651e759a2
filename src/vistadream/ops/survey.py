"""What a fit did to a scene's Views: the figures of each, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import torch

from vistadream.core import Renderer, Scene
from vistadream.ops.view_metrics import ViewMetrics, mean_metrics, view_metrics

_TOLD = (
    ("PSNR", "psnr_db", 2, " dB"),
    ("depth AbsRel", "depth_abs_rel", 4, ""),
    ("normals", "normal_mean_deg", 1, "°"),
)


@torch.no_grad()
def survey(scene: Scene, renderer: Renderer, depth: str = "z") -> dict[str, ViewMetrics]:
    """Each View by name beside what is drawn for it; `depth` names the map of depth, "z" or "z_median"."""
    figures = {}
    for view in scene.views:
        seen = renderer(scene.gaussians, [view.camera], want=("rgb", depth))[0]
        figures[view.name] = view_metrics(view, seen.rgb, getattr(seen, depth))
    return figures


def changes(before: Mapping[str, ViewMetrics], after: Mapping[str, ViewMetrics]) -> dict:
    """Both surveys side by side, and their means over the Views, as JSON-able data."""
    pair = {"before": before, "after": after}
    return {
        "views": {name: {when: asdict(figures[name]) for when, figures in pair.items()} for name in before},
        "mean": {when: mean_metrics(list(figures.values())) for when, figures in pair.items()},
    }


def words(mean: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """What `changes` says of the means, for people."""
    before, after = mean["before"], mean["after"]
    return [
        f"{label} {a:.{digits}f} to {b:.{digits}f}{unit}"
        for label, figure, digits, unit in _TOLD
        if (a := before[figure]) is not None and (b := after[figure]) is not None
    ]
