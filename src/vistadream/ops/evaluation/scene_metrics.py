"""How a fit changed a scene: metrics of its Views and the shape of its Gaussians, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Renderer, Scene
from vistadream.ops.evaluation.continuity import cycle_errors_px
from vistadream.ops.evaluation.view_metrics import ViewMetrics, mean_metrics, view_metrics
from vistadream.ops.gaussians.shape import MAX_SHRINKAGE, Shape

_SUMMARIZED = (
    ("PSNR", "psnr_db", 2, " dB"),
    ("depth AbsRel", "depth_abs_rel", 4, ""),
    ("normals", "normal_mean_deg", 1, "°"),
    ("views agree to", "cycle_px", 3, " px"),
)
"""Metrics in the summary: label, name, decimals and unit."""


@dataclass(frozen=True)
class SceneMetrics:
    """The metrics of one state of a scene."""

    views: Mapping[str, ViewMetrics]
    """By the name of the View: the rendering compared with the View."""
    pictures: Mapping[str, Float[Tensor, "h w 3"]]
    """By the name of the View: the rendered picture."""
    cycle_px: float | None
    """Mean reprojection error between successive Views over the pixels that both show; None if there are none."""
    shape: Shape
    gaussians: int


@torch.no_grad()
def scene_metrics(scene: Scene, renderer: Renderer, depth: str) -> SceneMetrics:
    """Renders every View once; `depth` names the depth map to evaluate, "z" or "z_median"."""
    seen = renderer(scene.gaussians, [view.camera for view in scene.views], want=("rgb", depth))
    depths = [rendering.require(depth) for rendering in seen]
    pictures = {view.name: rendering.require("rgb") for view, rendering in zip(scene.views, seen, strict=True)}
    views = {v.name: view_metrics(v, pictures[v.name], z) for v, z in zip(scene.views, depths, strict=True)}
    errors_px = cycle_errors_px([view.camera for view in scene.views], depths)
    cycle_px = float(errors_px.mean()) if len(errors_px) else None
    return SceneMetrics(views, pictures, cycle_px, Shape.of(scene.gaussians), len(scene.gaussians))


def changes(before: SceneMetrics, after: SceneMetrics) -> dict[str, Any]:
    """Both states side by side, with means over the Views, as data for JSON."""
    pair = {"before": before, "after": after}
    return {
        "views": {name: {when: asdict(s.views[name]) for when, s in pair.items()} for name in before.views},
        "mean": {when: _means(s) for when, s in pair.items()},
        "gaussians": {when: s.gaussians for when, s in pair.items()},
        "shape": {when: asdict(s.shape) for when, s in pair.items()}
        | {"shrinkage": before.shape.shrinkage(after.shape)},
    }


def summary(before: SceneMetrics, after: SceneMetrics) -> Sequence[str]:
    """The most important of `changes` as phrases for people."""
    means, lost = (_means(before), _means(after)), before.shape.shrinkage(after.shape)
    phrases = [
        f"{label} {a:.{digits}f} to {b:.{digits}f}{unit}"
        for label, figure, digits, unit in _SUMMARIZED
        if (a := means[0][figure]) is not None and (b := means[1][figure]) is not None
    ]
    phrases.append(f"smallest over largest scale {before.shape.summary()} to {after.shape.summary()}")
    return [*phrases, f"flatter by {lost:.0%}, which is too much"] if lost > MAX_SHRINKAGE else phrases


def _means(scene_metrics: SceneMetrics) -> dict[str, float | None]:
    return mean_metrics(list(scene_metrics.views.values())) | {"cycle_px": scene_metrics.cycle_px}
