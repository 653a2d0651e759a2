"""Stage outpaint: the photo gets a painted border, on a canvas whose camera is the photo's camera, padded."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vistadream.core import Captioner, Note, Observer, Outpainter, Scene, View
from vistadream.core.knobs import check_ranges
from vistadream.ops.image.pixels import pad_mask, snap


@dataclass(frozen=True)
class Outpaint:
    """Adds the View "outpaint": the photo with a border of `expansion` of its width and height, half on each side."""

    outpainter: Outpainter
    captioner: Captioner
    expansion: float
    """Border as a fraction of width and of height; 0 leaves the photo as it is."""
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, expansion=(0, 2))

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        photo = scene.anchor
        h, w = photo.camera.height, photo.camera.width
        pad_y, pad_x = round(h * self.expansion / 2), round(w * self.expansion / 2)
        if not (pad_x or pad_y):
            return scene
        prompt = self.captioner(photo.rgb)
        observe("outpaint/prompt", Note(f"prompt: {prompt}"))
        hole = pad_mask(h, w, pad_y, pad_x).to(photo.rgb.device)
        canvas = photo.rgb.new_zeros(*hole.shape, 3)
        canvas[~hole] = photo.rgb.reshape(-1, 3)
        observe("outpaint/hole", hole)
        painted = snap(self.outpainter(canvas, hole, prompt, self.seed))
        rgb = torch.where(hole[..., None], painted, canvas)
        camera = photo.camera.pad(pad_x, pad_x, pad_y, pad_y)
        everywhere = torch.ones_like(hole)
        view = View(
            "outpaint",
            camera,
            rgb,
            None,
            everywhere,
            hole,
            hole,
            photo.focal_known,
            origin="canvas",
            extends=photo.name,
            pose_known=photo.pose_known,
        )
        observe("outpaint/canvas", view)
        return scene.with_views(view)
