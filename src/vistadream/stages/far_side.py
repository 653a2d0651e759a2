"""What lies behind the depth edges of a canvas: a second layer that no photo shows, before any view is painted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from vistadream.core import Captioner, Note, Observer, Outpainter, View
from vistadream.core.knobs import FROM_0, SHARE, check_ranges
from vistadream.ops.camera_path.pose import reach_of
from vistadream.ops.holes.far_side import far_surface
from vistadream.ops.image.pixels import snap

_RIM = 0.04
"""Distance behind the layer, as a share of the long side, within which the foreground is hidden from the outpainter."""


@dataclass(frozen=True)
class FarSide:
    """Continues the background behind the foreground as far as a moving camera can uncover it."""

    outpainter: Outpainter
    captioner: Captioner
    reach: float
    """Distance that the camera may move, as a share of the focus distance; 0: there is no second layer."""
    widest: float
    """The largest width of the layer behind an edge, as a share of the long side."""
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, reach=FROM_0, widest=SHARE)

    def __call__(self, canvas: View, sky: Bool[Tensor, "h w"], observe: Observer) -> tuple[View, ...]:
        """The background as a View whose `lift` pixels are those that hide it; none where nothing is hidden.

        A photo without a painted border has none, since in such a run nothing is painted. The sky goes on as a shell of
        its own.
        """
        if self.reach == 0 or canvas.origin != "canvas":
            return ()
        long_side = max(canvas.camera.width, canvas.camera.height)
        shift_px = canvas.camera.fx * self.reach * reach_of(canvas).focus_z
        far = far_surface(canvas.depth, ~sky, shift_px, round(self.widest * long_side), round(_RIM * long_side))
        observe("initialize/far_side", Note(f"{float(far.pixels.float().mean()):.0%} of the canvas hide a background"))
        if not bool(far.pixels.any()) or bool(far.unknown.all()):
            return ()
        painted = self.outpainter(canvas.rgb, far.unknown, self.captioner(canvas.rgb), self.seed)
        rgb = torch.where(far.pixels[..., None], snap(painted), canvas.rgb)
        none = torch.zeros_like(far.pixels)
        behind = replace(canvas, name="far side", rgb=rgb, z=far.z, supervise=none, lift=far.pixels)
        observe("initialize/behind", behind)
        return (behind,)
