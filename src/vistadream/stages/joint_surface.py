"""One surface of Gaussians from several photos with depth, to which each photo adds what the others have not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from vistadream.core import Gaussians, Observer, Progress, Renderer, UserError, View
from vistadream.ops.depth.sky import eroded_sky, shell_z
from vistadream.ops.gaussians.lift import Lifting
from vistadream.ops.views.fusion import Fusion, by_new_surface


@dataclass(frozen=True)
class JointSurface:
    """Lifts photos one after another, and looks with the renderer at what is there already."""

    renderer: Renderer
    lifting: Lifting
    fusion: Fusion

    def __call__(self, photos: Sequence[View], observe: Observer) -> tuple[list[View], Gaussians]:
        """The photos, whose `lift` is what each of them added, and the Gaussians of all: sure depth first."""
        sure, unsure = ([self.fusion.part(photo, is_sure) for photo in photos] for is_sure in (True, False))
        order, added = by_new_surface(sure, self.fusion.tolerance), [torch.zeros_like(photo.lift) for photo in photos]
        gaussians = Gaussians.empty(photos[0].rgb.device)
        for done, (part, i) in enumerate([(part, i) for part in (sure, unsure) for i in order]):
            others = [other for j, other in enumerate(sure) if j != i]
            new = self._new_surface(part[i], gaussians, others, part is sure)
            added[i] |= new
            gaussians = Gaussians.concat(gaussians, self.lifting(replace(part[i], lift=new)))
            observe("initialize/lifting/progress", Progress(done + 1, 2 * len(photos)))
        if not len(gaussians):
            raise UserError(
                "no photo has trusted depth; wanted overlapping photos of one place from several positions: add photos "
                "between them, or choose another backends/multi_depth="
            )
        return [replace(photo, lift=new) for photo, new in zip(photos, added, strict=True)], gaussians

    def with_sky(
        self, photos: Sequence[View], skies: Sequence[Bool[Tensor, "h w"]], gaussians: Gaussians, distance: float
    ) -> Gaussians:
        """The Gaussians, and the sky of each photo on a far shell where the scene is still open.

        `distance` is the radius of the shells, which are about the photos.
        """
        for photo, sky in zip(photos, skies, strict=True):
            clear = eroded_sky(sky)
            if bool(clear.any()):
                far = replace(photo, z=shell_z(photo.camera, distance, clear.device), lift=clear)
                far = replace(far, lift=clear & self._is_open(far, gaussians))
                gaussians = Gaussians.concat(gaussians, self.lifting(far))
        return gaussians

    def _new_surface(
        self, view: View, gaussians: Gaussians, others: Sequence[View], is_sure: bool
    ) -> Bool[Tensor, "h w"]:
        """The pixels of a View that the scene so far has no surface for, and that `others` do not see through."""
        new = view.lift & (view.depth > 0)
        if bool(new.any()) and len(gaussians):
            with torch.no_grad():
                new = self.fusion.adds(view, self.renderer(gaussians, [view.camera], want=("z", "alpha"))[0])
        return new & ~self.fusion.floats(replace(view, lift=new), others, is_sure)

    def _is_open(self, view: View, gaussians: Gaussians) -> Bool[Tensor, "h w"]:
        with torch.no_grad():
            seen = self.renderer(gaussians, [view.camera], want=("alpha",))[0]
        return seen.require("alpha") < self.fusion.open_alpha
