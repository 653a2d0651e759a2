"""Figures of several photos: how well the scene shows each of them, and which ones do not fit the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from vistadream.core import Note, Renderer, Scene
from vistadream.ops.evaluation.metrics import psnr, ssim
from vistadream.ops.views.drawing import drawn

_OUTLIER = 2.0
"""A photo whose error is more than this many times the median does not fit the others."""
_NAMED = 5
"""Photos that the note names."""


@dataclass(frozen=True)
class PhotoFit:
    """How well the scene shows one photo, over the pixels that it is to match."""

    name: str
    psnr_db: float
    ssim: float

    @property
    def error(self) -> float:
        """Root of the mean squared difference of colors in [0, 1]."""
        return 10 ** (-self.psnr_db / 20)


def photo_fits(scene: Scene, renderer: Renderer) -> list[PhotoFit]:
    """One for each photo of which at least one pixel is to be matched; none for a scene without Gaussians."""
    photos = [photo for photo in scene.photos if len(scene.gaussians) and bool(photo.supervise.any())]
    fits = []
    for photo, seen in zip(
        photos, drawn(renderer, scene.gaussians, [photo.camera for photo in photos], ("rgb",)), strict=True
    ):
        pair = (seen.require("rgb"), photo.rgb, photo.supervise)
        fits.append(PhotoFit(photo.name, psnr(*pair), ssim(*pair)))
    return fits


def figures(fits: Sequence[PhotoFit]) -> dict[str, Any]:
    """The means over all photos, the worst photo, and those that do not fit; nothing for fewer than two photos."""
    if len(fits) < 2:
        return {}
    worst = min(fits, key=lambda fit: fit.psnr_db)
    return {
        "photos": len(fits),
        "photos_psnr_db": round(fmean(fit.psnr_db for fit in fits), 3),
        "photos_ssim": round(fmean(fit.ssim for fit in fits), 5),
        "photos_worst": {"name": worst.name, "psnr_db": round(worst.psnr_db, 3), "ssim": round(worst.ssim, 5)},
        "photos_misfit": [fit.name for fit in misfits(fits)],
    }


def misfits(fits: Sequence[PhotoFit]) -> list[PhotoFit]:
    """The photos whose error is over twice the median of all, the largest error first."""
    most = _OUTLIER * median(fit.error for fit in fits) if fits else 0.0
    return sorted((fit for fit in fits if fit.error > most), key=lambda fit: -fit.error)


def misfit_note(names: Sequence[str]) -> Note | None:
    """What people should know about photos that do not fit; None if all do."""
    if not names:
        return None
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    text = (
        f"the scene differs from {', '.join(names[:_NAMED])}{more} more than twice as much as from most photos: "
        "something may have moved, or a camera may be wrong; leave it out, or mask what moved (masks/NAME.png)"
    )
    return Note(text, "warning")
