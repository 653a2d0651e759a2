"""The backend: a photo becomes Gaussians in meters, before its camera."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.depth.centering import Margins, centered_size, margins, padded, window
from vistadream.backends.needs import Needs, on_any_device
from vistadream.backends.splats.sharp import load
from vistadream.backends.splats.sharp.network import Answer, SharpNetwork
from vistadream.backends.splats.sharp.plan import Plan
from vistadream.backends.weights.one_model import Device, OneModel, check_device
from vistadream.backends.weights.policy import MemoryChoice, Policy
from vistadream.core import Camera, DepthPrediction, Gaussians, Note, Splats, UserError, View, tell
from vistadream.core.knobs import check_ranges
from vistadream.ops.gaussians.affine_map import mapped
from vistadream.ops.image.linear_rgb import srgb_from_linear

LEAST_ALPHA = 1 / 255
"""A Gaussian with less opacity shows in no picture of 8 bits."""
_WORK = 2.15e13
"""Floating-point operations for one photo."""
_CPU_GIB = 9
"""Main memory for one photo, with the weights."""


@dataclass(frozen=True)
class Sharp(OneModel):
    """SHARP (Mescheder et al. 2025): two layers of Gaussians from one photo. For research only.

    The network assumes that the principal point is at the picture's center, so the picture is padded until it is, and
    the Gaussians of the padding are left out.
    """

    NEEDS = Needs(models=on_any_device("sharp"))
    model = "sharp"

    path: Path | None
    """The file of the weights, or its folder; None: where `vistadream download sharp` puts it."""
    device: Device
    """auto: cuda if torch finds a GPU, else cpu."""
    memory: MemoryChoice
    """balanced: the encoders in bfloat16; low: also one patch after another, and only the working part on the GPU."""
    accept_noncommercial: bool
    """The weights may not be used commercially."""
    sky: Literal["shell", "keep"]
    """shell: where the depth model sees sky, it is put on a distant shell; keep: as SHARP places it."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_device(self)

    def __call__(self, view: View, focal_px: float) -> Splats:
        """Gaussians in meters in the View's world, on its device, and the depth of the visible layer.

        UserError for a license that is not accepted, and without the weights or with those of another model.
        """
        camera = view.camera if view.focal_known else view.camera.with_focal(focal_px)
        added = margins(camera, *centered_size(camera))
        wide = camera.pad(*added)
        answer = self.run(partial(self._infer, padded(view, added), wide.fx / wide.width))
        gaussians = in_world(answer.gaussians.to(view.rgb.device), wide)
        shown = gaussians.subset((gaussians.opacities >= LEAST_ALPHA) & _before(camera, gaussians.means))
        return Splats(
            shown, _prediction(answer.depth[0].to(view.rgb.device), camera, wide, view, added), self.sky == "keep"
        )

    def _infer(self, picture: Float[Tensor, "3 h w"], focal_widths: float, policy: Policy) -> Answer:
        network = self.loaded(partial(self._load, policy), policy)
        if self.device_type == "cpu":
            _announce()
        side = network.sizes.picture_px
        stretched = F.interpolate(picture[None], (side, side), mode="bilinear", align_corners=True)[0]
        answer = network.predict(stretched.to(self.device_type), focal_widths, Plan.of(policy, self.device_type))
        if not bool(torch.isfinite(answer.gaussians.means).all()):
            raise UserError(
                "SHARP found places that are no numbers; wanted its weights as published: download them again"
            )
        return answer

    def _load(self, policy: Policy) -> SharpNetwork:
        file = load.weights_file(self.entry, self.path, self.accept_noncommercial)
        network = load.read_network(file)
        tell("splats/model", Note(f"Gaussians by SHARP on the {self.device_type}, from {file}; for research only"))
        plan = Plan.of(policy, self.device_type)
        if plan.half:
            network.halve_encoders()
        return network if plan.in_turn else network.to(self.device_type)


def in_world(gaussians: Gaussians, camera: Camera) -> Gaussians:
    """Gaussians of normalized device coordinates with linear colors, in the world of the camera and in sRGB."""
    sides = torch.tensor([[2 / camera.width, 0, -1], [0, 2 / camera.height, -1], [0, 0, 1]], dtype=torch.float64)
    pose = camera.world_from_cam.double()
    linear = pose[:3, :3] @ torch.linalg.inv(sides @ camera.K.double())
    return replace(mapped(gaussians, linear, pose[:3, 3]), colors=srgb_from_linear(gaussians.colors))


def _before(camera: Camera, points: Float[Tensor, "n 3"]) -> Bool[Tensor, "n"]:
    """Which points appear in the camera's picture."""
    pixel, z = camera.project(points)
    size = pixel.new_tensor([camera.width, camera.height])
    return ((pixel >= 0) & (pixel <= size)).all(-1) & (z > 0)


def _prediction(
    depth: Float[Tensor, "H W"], camera: Camera, wide: Camera, view: View, added: Margins
) -> DepthPrediction:
    """The depth of the network's square picture as that of the View."""
    disparity = F.interpolate(1 / depth[None, None], (wide.height, wide.width), mode="bilinear", align_corners=True)
    z = 1 / disparity[0, 0][window(view, added)]
    return DepthPrediction(z, torch.ones_like(z, dtype=torch.bool), camera, is_metric=True)


def _announce() -> None:
    """Says before the work begins what it takes on a CPU."""
    matrix = torch.ones(1024, 1024)
    matrix @ matrix  # starts the threads
    start = time.perf_counter()
    matrix @ matrix
    seconds = _WORK / (2 * 1024**3) * (time.perf_counter() - start)
    words = f"SHARP on the CPU: about {max(seconds, 10):.0f} s, and {_CPU_GIB} GiB of main memory"
    tell("splats/cost", Note(words))
