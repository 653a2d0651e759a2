"""What the network says of some Views, as depth predictions with cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth_anything.cameras import focal_lengths_px, kept_first
from vistadream.backends.depth_anything.frames import Frames
from vistadream.backends.depth_anything.network import METRIC, Network
from vistadream.core import Camera, DepthPrediction, View
from vistadream.ops.depth.resample import resample_depth

SKY = 0.3
"""Pixels with at least this value in the network's sky map are sky, as in the package."""
METRIC_FOCAL_PX = 300.0
"""da3metric-large predicts depth for this focal length; meters = prediction * true focal length / this."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What the network says of Views that it read together: its maps and cameras, one of each per View."""

    frames: Frames
    maps: dict[str, Tensor]

    @property
    def views(self) -> Sequence[View]:
        return self.frames.views

    def own_focal_px(self) -> list[float]:
        """The focal length that was found in each View alone, in its pixels."""
        h, w = self.maps["depth"].shape[1:]
        across, down = self.maps["intrinsics"][:, 0, 0], self.maps["intrinsics"][:, 1, 1]
        return [
            float(fx * self.frames.width / w + fy * self.frames.height / h) / 2
            for fx, fy in zip(across, down, strict=True)
        ]

    def certainty(self) -> Float[Tensor, "n h w"]:
        """From 0 to 1; the network's values are 1 or more. 1 where it gives none."""
        if "depth_conf" not in self.maps:
            return torch.ones_like(self.maps["depth"])
        return (1 - 1 / self.maps["depth_conf"]).nan_to_num(0.0)


def predictions(network: Network, answers: Sequence[Answer]) -> list[list[DepthPrediction]]:
    """One prediction per View of each answer, on the View's device, with one focal length for each lens of all answers.

    In meters with da3metric-large and a known focal length. The first View of each answer keeps its pose. UserError
    when a focal length is neither known nor found.
    """
    lenses = iter(_lenses(answers))
    return [_of_answer(network, answer, [next(lenses) for _ in answer.views]) for answer in answers]


def _lenses(answers: Sequence[Answer]) -> list[Camera]:
    """The camera of every View, with the focal length that was found where it is unknown and the model finds one."""
    views = [view for answer in answers for view in answer.views]
    cameras = [view.camera for view in views]
    unknown = [i for i, view in enumerate(views) if not view.focal_known]
    if "intrinsics" in answers[0].maps and unknown:
        own_px = [focal_px for answer in answers for focal_px in answer.own_focal_px()]
        weights = [float(each.mean()) for answer in answers for each in answer.certainty()]
        own_px, weights = ([each[i] for i in unknown] for each in (own_px, weights))
        for i, focal_px in zip(unknown, focal_lengths_px([views[i] for i in unknown], own_px, weights), strict=True):
            cameras[i] = cameras[i].with_focal(focal_px)
    return cameras


def _of_answer(network: Network, answer: Answer, cameras: Sequence[Camera]) -> list[DepthPrediction]:
    poses = [camera.cam_from_world for camera in cameras]
    if "extrinsics" in answer.maps:
        poses = kept_first(cameras[0], answer.maps["extrinsics"])
    return [_prediction(network, answer, i, camera.at(poses[i])) for i, camera in enumerate(cameras)]


def _prediction(network: Network, answer: Answer, number: int, camera: Camera) -> DepthPrediction:
    """The network's maps of one View as a DepthPrediction."""
    view, depth = answer.views[number], answer.maps["depth"][number]
    size, crop, device = (answer.frames.width, answer.frames.height), answer.frames.window(number), view.rgb.device
    h, w = depth.shape
    if network.entry.name == METRIC:
        depth = depth * (camera.fx * w / size[0] + camera.fy * h / size[1]) / 2 / METRIC_FOCAL_PX
    usable = depth.isfinite() & (depth > 0)
    confidence = sky = None
    if "depth_conf" in answer.maps:
        certainty = answer.certainty()[number]
        usable &= certainty >= network.min_confidence
        confidence = _enlarged(certainty, *size)[crop].clamp(0, 1).to(device)
    if "sky" in answer.maps:
        sky = (_enlarged(answer.maps["sky"][number], *size)[crop] >= SKY).to(device)
        usable &= answer.maps["sky"][number] < SKY
    z = resample_depth((0, 0, w, h), torch.where(usable, depth, 0.0), *size)[crop].to(device)
    valid = (z > 0) & ~sky if sky is not None else z > 0
    is_metric = network.entry.name == METRIC and view.focal_known
    return DepthPrediction(z, valid, camera, is_metric, sky=sky, confidence=confidence)


def _enlarged(small: Float[Tensor, "h w"], width: int, height: int) -> Float[Tensor, "H W"]:
    return F.interpolate(small[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]
