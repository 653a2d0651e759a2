"""Figures of the finished scene: how well it shows its photo, and how much of the flight is hole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from vistadream.core import ExportContext, Note, Renderer, Scene, SceneReach
from vistadream.exporters.photo_metrics import figures, misfit_note, photo_fits
from vistadream.formats.files import new_file, write_json
from vistadream.formats.json_file import read_json
from vistadream.ops.evaluation.metrics import psnr, ssim

FILE = "metrics.json"
_MIN_ALPHA = 0.5
"""Mean alpha of the photo's own view below which a warning is due."""


@dataclass(frozen=True)
class Metrics:
    """The figures as JSON."""

    place: ClassVar[Literal["."]] = "."

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the figures.

        Observes a warning when the scene covers less than half of the photo's own view, and when it shows one of
        several photos much worse than the others.
        """
        metrics = measure(scene, context)
        if len(scene.gaussians) and metrics["input_alpha_mean"] < _MIN_ALPHA:
            text = (
                f"the scene covers {metrics['input_alpha_mean']:.0%} of the photo's own view: see what backends.render "
                "leaves out (near_z, radius_clip_px)"
            )
            context.observe("export/empty", Note(text, "warning"))
        if note := misfit_note(metrics.get("photos_misfit", [])):
            context.observe("export/misfit", note)
        with new_file(target / FILE) as draft:
            write_json(draft, metrics)


def measure(scene: Scene, context: ExportContext) -> dict[str, Any]:
    """The figures by their names, as data for JSON; PSNR in dB, the others are counts and shares.

    The reach is a share of the focus distance.
    """
    holes = context.flight.hole_ratios() or (1.0,)  # a scene without Gaussians is one hole
    return {
        "stage": context.stage,
        **_photo_metrics(scene, context.renderer),
        **(figures(photo_fits(scene, context.renderer)) if len(scene.photos) > 1 else {}),
        "path_hole_ratio": {"mean": float(np.mean(holes)), "largest": float(np.max(holes))},
        **(_reach(context.reach()) if _has_surface(scene) else {}),
        "is_metric": scene.is_metric,
    }


def _has_surface(scene: Scene) -> bool:
    z = scene.anchor.z
    return len(scene.gaussians) > 0 and z is not None and bool((z > 0).any())


def _reach(reach: SceneReach) -> dict[str, Any]:
    return {"reach": {"every_direction": reach.smallest, **reach.moved}, "reach_turned_deg": dict(reach.turned_deg)}


def read_metrics(folder: Path) -> dict[str, Any]:
    """The figures that `Metrics` wrote into a folder; none where it wrote none."""
    return read_json(folder / FILE, finite=False) if (folder / FILE).exists() else {}


def _photo_metrics(scene: Scene, renderer: Renderer) -> dict[str, Any]:
    photo = scene.anchor
    with torch.no_grad():
        seen = renderer(scene.gaussians, [photo.camera])[0]
    rgb = seen.require("rgb")
    return {
        "gaussians": len(scene.gaussians),
        "views": len(scene.views),
        "input_psnr_db": round(psnr(rgb, photo.rgb), 3),
        "input_ssim": round(ssim(rgb, photo.rgb), 5),
        "input_alpha_mean": round(float(seen.require("alpha").mean()), 5),
    }
