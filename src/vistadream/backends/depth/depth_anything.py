"""Depth, confidence and poses by Depth Anything 3, through the network of its own package."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends import packages
from vistadream.backends.depth.centring import centred_size, margins, padded, window
from vistadream.backends.needs import Needs
from vistadream.backends.weights.fill import fill
from vistadream.backends.weights.one_model import Device, OneModel
from vistadream.backends.weights.policy import MemoryChoice, Policy
from vistadream.backends.weights.store import folder_of
from vistadream.backends.weights.table import MODELS
from vistadream.core import Camera, DepthPrediction, Note, UserError, View, tell
from vistadream.core.knobs import Range, check_ranges
from vistadream.ops.depth.resample import resample_depth

SIZES = tuple(name for name in MODELS if name.startswith("da3"))
METRIC = "da3metric-large"
PATCH_PX = 14
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours that the backbone was trained with."""
SKY = 0.3
"""Where the package takes its own sky map for sky."""
_GAUSSIANS = ("gs_head", "gs_adapter")
"""Parts of the giant model that are not built: they predict Gaussians, and their module imports a GPL-3.0 package."""
METRIC_FOCAL_PX = 300.0
"""da3metric-large answers for this focal length; metres are its answer times the true one over this."""
LONGEST_FOCAL = 50.0
"""In widths of the picture; a longer one is a field of view of nothing."""


@dataclass(frozen=True)
class DepthAnything(OneModel):
    """Depth Anything 3 (Lin et al. 2025, arXiv 2511.10647).

    Views given together are seen together and get poses beside the first one's, which is kept. Scale is free.
    da3mono-large and da3metric-large know the sky instead: they see each view on its own, and say nothing of confidence
    or poses. da3metric-large gives metres. The principal point is padded to the centre; a known focal length is kept.
    """

    NEEDS = Needs(
        packages=("depth_anything_3", "addict", "einops", "huggingface_hub"),
        models={"cuda": ("da3-base",), "cpu": ("da3-small",)},
    )

    model: str
    """auto: da3-base on a GPU, da3-small on a CPU; or one of SIZES."""
    path: str | None
    """The folder with model.safetensors, or that file; None: the cache, or the hub."""
    device: Device
    """auto: cuda where torch sees a GPU, else cpu."""
    memory: MemoryChoice
    """The models are small enough to stay whole under each."""
    accept_noncommercial: bool
    """The large and the giant model may not be used commercially."""
    resolution_px: int
    """Long side of the picture that the model sees."""
    min_confidence: float
    """Pixels with less have no depth."""

    def __post_init__(self) -> None:
        self.check_knobs(("auto", *SIZES))
        check_ranges(self, resolution_px=Range(2 * PATCH_PX), min_confidence=Range(0, 1, below=True))

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """One prediction per view, on the view's device; in metres by da3metric-large where the focal length is known.

        Raises UserError without the package, the weights or their license, or with weights that are not this model's.
        """
        if not views:
            return []
        sizes = [centred_size(view.camera) for view in views]
        width, height = (max(sides) for sides in zip(*sizes, strict=True))
        added = [margins(view.camera, width, height) for view in views]
        pictures = torch.stack([padded(view, m).cpu() for view, m in zip(views, added, strict=True)])
        said = self.run(partial(self._infer, pictures))
        poses = _poses(views[0].camera, said.get("extrinsics"))
        predictions = []
        for i, view in enumerate(views):
            own = {name: value[i] for name, value in said.items()}
            camera = self._camera(view, own, width, height).at(poses[i] if poses else view.camera.cam_from_world)
            predictions.append(self._prediction(view, camera, own, (width, height), window(view, added[i])))
        return predictions

    def _infer(self, pictures: Float[Tensor, "n 3 H W"], policy: Policy) -> dict[str, Tensor]:
        """The network's maps at its own size and its cameras, one of each per picture, on the CPU."""
        model = self.loaded(self._load, policy)
        seen = _normalised(pictures, self.resolution_px).to(self.place)
        half = torch.bfloat16 if self.place == "cuda" and torch.cuda.is_bf16_supported() else torch.float16
        with (
            torch.no_grad(),
            torch.random.fork_rng(devices=[]),  # it samples pixels for the far end of its depth
            torch.autocast(self.place, half, enabled=self.place == "cuda"),
        ):
            said = model(seen[None])
        return {name: value[0].float().cpu() for name, value in said.items() if isinstance(value, Tensor)}

    def _camera(self, view: View, own: dict[str, Tensor], width: int, height: int) -> Camera:
        """The view's camera, with the model's focal length where the view's is unknown and the model has one."""
        if view.focal_known or "intrinsics" not in own:
            return view.camera
        h, w = own["depth"].shape
        K = own["intrinsics"]
        focal_px = float(K[0, 0] * width / w + K[1, 1] * height / h) / 2
        if not (math.isfinite(focal_px) and 0 < focal_px < LONGEST_FOCAL * width):
            raise UserError(
                f"Depth Anything 3 found no focal length in {view.name!r} (it says {focal_px:g} px); wanted a "
                "plausible one: set camera.focal_px, or take another depth model with backends/depth="
            )
        return view.camera.with_focal(focal_px)

    def _prediction(
        self, view: View, camera: Camera, own: dict[str, Tensor], size: tuple[int, int], cut: tuple[slice, slice]
    ) -> DepthPrediction:
        """The network's maps in our words, in the view's window of a padded picture of that width and height."""
        device, depth = view.rgb.device, own["depth"]
        h, w = depth.shape
        if self.entry.name == METRIC:
            depth = depth * (camera.fx * w / size[0] + camera.fy * h / size[1]) / 2 / METRIC_FOCAL_PX
        usable = depth.isfinite() & (depth > 0)
        confidence = sky = None
        if "depth_conf" in own:
            certainty = (1 - 1 / own["depth_conf"]).nan_to_num(0.0)
            usable &= certainty >= self.min_confidence
            confidence = _enlarged(certainty, *size)[cut].clamp(0, 1).to(device)
        if "sky" in own:
            sky = (_enlarged(own["sky"], *size)[cut] >= SKY).to(device)
            usable &= own["sky"] < SKY
        z = resample_depth((0, 0, w, h), torch.where(usable, depth, 0.0), *size)[cut].to(device)
        valid = (z > 0) & ~sky if sky is not None else z > 0
        is_metric = self.entry.name == METRIC and view.focal_known
        return DepthPrediction(z, valid, camera, is_metric, sky=sky, confidence=confidence)

    def _load(self) -> Any:
        layout = configuration(self.entry.name)
        file = folder_of(self.entry, self.path, self.accept_noncommercial) / "model.safetensors"
        with torch.random.fork_rng(devices=[]):  # what the layers draw before they are filled
            model = packages.load("depth_anything_3.cfg").create_object(layout)
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = load_file(file)
        except (SafetensorError, OSError) as error:
            raise UserError(f"{file} is no whole safetensors file ({error}); wanted the file as published") from error
        named = {name.removeprefix("model."): tensor for name, tensor in weights.items()}
        fill(model, {name: tensor for name, tensor in named.items() if name.split(".")[0] not in _GAUSSIANS}, file)
        tell("depth/model", Note(f"depth by {self.entry.name} on the {self.place}, from {file.parent}"))
        return model.eval().to(self.place)


def configuration(name: str) -> Any:
    """The package's configuration of a model of the table, without the parts that predict Gaussians.

    UserError without the package.
    """
    packages.load("depth_anything_3.utils.logger").logger.level = 0  # it prints
    packages.load("depth_anything_3.model.da3")  # with all that the configurations name
    registry = packages.load("depth_anything_3.registry").MODEL_REGISTRY
    layout = packages.load("depth_anything_3.cfg").load_config(registry[name.removesuffix("-1.1")])
    for part in _GAUSSIANS:
        layout.pop(part, None)
    return layout


def _normalised(pictures: Float[Tensor, "n 3 H W"], long_side_px: int) -> Float[Tensor, "n 3 h w"]:
    """Resized to sides that are multiples of the patch, about `long_side_px` the longer, in the backbone's colours."""
    scale = long_side_px / max(pictures.shape[2:])
    size = [max(1, round(side * scale / PATCH_PX)) * PATCH_PX for side in pictures.shape[2:]]
    if size != list(pictures.shape[2:]):
        pictures = F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1)
    mean, spread = (pictures.new_tensor(channels)[:, None, None] for channels in (MEAN, SPREAD))
    return (pictures - mean) / spread


def _enlarged(small: Float[Tensor, "h w"], width: int, height: int) -> Float[Tensor, "H W"]:
    return F.interpolate(small[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]


def _poses(first: Camera, extrinsics: Float[Tensor, "n 3 4"] | None) -> list[Float[Tensor, "4 4"]] | None:
    """cam_from_world of every view, so that the first one's is its own; None where the model gives none."""
    if extrinsics is None:
        return None
    last_row = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    poses = torch.cat([extrinsics.double(), last_row.expand(len(extrinsics), 1, 4)], 1)
    start = torch.linalg.inv(poses[0]) @ first.cam_from_world.cpu().double()
    rest = [(pose @ start).to(first.cam_from_world) for pose in poses[1:]]
    return [first.cam_from_world, *rest]
