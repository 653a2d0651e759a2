"""Depth, confidence and poses by Depth Anything 3, through the network of its own package."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends import packages
from vistadream.backends.depth.centering import centered_size, margins, padded, window
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
"""Mean and standard deviation of the RGB colors in the backbone's training data."""
SKY = 0.3
"""Pixels with at least this value in the network's sky map are sky, as in the package."""
_GAUSSIANS = ("gs_head", "gs_adapter")
"""Parts of the giant model that are not built: they predict Gaussians, and their module imports a GPL-3.0 package."""
METRIC_FOCAL_PX = 300.0
"""da3metric-large predicts depth for this focal length; meters = prediction * true focal length / this."""
LONGEST_FOCAL = 50.0
"""Largest plausible focal length, in widths of the picture: a field of view of about one degree."""


@dataclass(frozen=True)
class DepthAnything(OneModel):
    """Depth Anything 3 (Lin et al. 2025, arXiv 2511.10647).

    Views of one call are processed together and get poses relative to the first view, whose pose is kept; the scale is
    arbitrary. da3mono-large and da3metric-large predict the sky instead: they process each view on its own and give
    neither confidence nor poses. da3metric-large gives meters. The picture is padded so that the principal point is at
    the center; a known focal length is kept.
    """

    NEEDS = Needs(
        packages=("depth_anything_3", "addict", "einops", "huggingface_hub"),
        models={"cuda": ("da3-base",), "cpu": ("da3-small",)},
    )

    model: str
    """auto: da3-base on a GPU, da3-small on a CPU; or one of SIZES."""
    path: Path | None
    """The folder with model.safetensors, or that file; None: the cache, or the hub."""
    device: Device
    """auto: cuda if torch finds a GPU, else cpu."""
    memory: MemoryChoice
    """The models are small enough to stay on the GPU as a whole under each policy."""
    accept_noncommercial: bool
    """The large and the giant model may not be used commercially."""
    resolution_px: int
    """Long side of the model's input."""
    min_confidence: float
    """Pixels with a lower confidence have no depth."""

    def __post_init__(self) -> None:
        self.check_knobs(("auto", *SIZES))
        check_ranges(self, resolution_px=Range(2 * PATCH_PX), min_confidence=Range(0, 1, below=True))

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """One prediction per view, on the view's device; in meters with da3metric-large and a known focal length.

        Raises UserError without the package, the weights or their license, or with the weights of another model.
        """
        if not views:
            return []
        sizes = [centered_size(view.camera) for view in views]
        width, height = (max(sides) for sides in zip(*sizes, strict=True))
        added = [margins(view.camera, width, height) for view in views]
        pictures = torch.stack([padded(view, m).cpu() for view, m in zip(views, added, strict=True)])
        outputs = self.run(partial(self._infer, pictures))
        poses = _poses(views[0].camera, outputs.get("extrinsics"))
        predictions = []
        for i, view in enumerate(views):
            maps = {name: value[i] for name, value in outputs.items()}
            camera = self._camera(view, maps, width, height).at(poses[i] if poses else view.camera.cam_from_world)
            predictions.append(self._prediction(view, camera, maps, (width, height), window(view, added[i])))
        return predictions

    def _infer(self, pictures: Float[Tensor, "n 3 H W"], policy: Policy) -> dict[str, Tensor]:
        """The network's maps at its own resolution and its cameras, one of each per picture, on the CPU."""
        model = self.loaded(self._load, policy)
        inputs = _normalized(pictures, self.resolution_px).to(self.device_type)
        half = torch.bfloat16 if self.device_type == "cuda" and torch.cuda.is_bf16_supported() else torch.float16
        with (
            torch.no_grad(),
            torch.random.fork_rng(devices=[]),  # the model samples random pixels for its largest depth
            torch.autocast(self.device_type, half, enabled=self.device_type == "cuda"),
        ):
            outputs = model(inputs[None])
        return {name: value[0].float().cpu() for name, value in outputs.items() if isinstance(value, Tensor)}

    def _camera(self, view: View, maps: dict[str, Tensor], width: int, height: int) -> Camera:
        """The view's camera, with the model's focal length if the view's is unknown and the model predicts one."""
        if view.focal_known or "intrinsics" not in maps:
            return view.camera
        h, w = maps["depth"].shape
        K = maps["intrinsics"]
        focal_px = float(K[0, 0] * width / w + K[1, 1] * height / h) / 2
        if not (math.isfinite(focal_px) and 0 < focal_px < LONGEST_FOCAL * width):
            raise UserError(
                f"Depth Anything 3 found no focal length in {view.name!r} (it says {focal_px:g} px); wanted a "
                "plausible one: set camera.focal_px, or take another depth model with backends/depth="
            )
        return view.camera.with_focal(focal_px)

    def _prediction(
        self, view: View, camera: Camera, maps: dict[str, Tensor], size: tuple[int, int], crop: tuple[slice, slice]
    ) -> DepthPrediction:
        """The network's maps as a DepthPrediction; `size` is the padded picture's, `crop` the view's window in it."""
        device, depth = view.rgb.device, maps["depth"]
        h, w = depth.shape
        if self.entry.name == METRIC:
            depth = depth * (camera.fx * w / size[0] + camera.fy * h / size[1]) / 2 / METRIC_FOCAL_PX
        usable = depth.isfinite() & (depth > 0)
        confidence = sky = None
        if "depth_conf" in maps:
            certainty = (1 - 1 / maps["depth_conf"]).nan_to_num(0.0)  # the network's values are 1 or more
            usable &= certainty >= self.min_confidence
            confidence = _enlarged(certainty, *size)[crop].clamp(0, 1).to(device)
        if "sky" in maps:
            sky = (_enlarged(maps["sky"], *size)[crop] >= SKY).to(device)
            usable &= maps["sky"] < SKY
        z = resample_depth((0, 0, w, h), torch.where(usable, depth, 0.0), *size)[crop].to(device)
        valid = (z > 0) & ~sky if sky is not None else z > 0
        is_metric = self.entry.name == METRIC and view.focal_known
        return DepthPrediction(z, valid, camera, is_metric, sky=sky, confidence=confidence)

    def _load(self) -> Any:
        layout = configuration(self.entry.name)
        file = folder_of(self.entry, self.path, self.accept_noncommercial) / "model.safetensors"
        with torch.random.fork_rng(devices=[]):  # the layers draw random values before they get the weights
            model = packages.load("depth_anything_3.cfg").create_object(layout)
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = load_file(file)
        except (SafetensorError, OSError) as error:
            raise UserError(f"{file} cannot be read as safetensors ({error}); wanted the file as published") from error
        named = {name.removeprefix("model."): tensor for name, tensor in weights.items()}
        fill(model, {name: tensor for name, tensor in named.items() if name.split(".")[0] not in _GAUSSIANS}, file)
        tell("depth/model", Note(f"depth by {self.entry.name} on the {self.device_type}, from {file.parent}"))
        return model.eval().to(self.device_type)


def configuration(name: str) -> Any:
    """The package's configuration of a model of the table, without the parts that predict Gaussians.

    UserError without the package.
    """
    packages.load("depth_anything_3.utils.logger").logger.level = 0  # it would print to the screen
    packages.load("depth_anything_3.model.da3")  # imports the classes that the configurations name
    registry = packages.load("depth_anything_3.registry").MODEL_REGISTRY
    layout = packages.load("depth_anything_3.cfg").load_config(registry[name.removesuffix("-1.1")])
    for part in _GAUSSIANS:
        layout.pop(part, None)
    return layout


def _normalized(pictures: Float[Tensor, "n 3 H W"], long_side_px: int) -> Float[Tensor, "n 3 h w"]:
    """Resized so that the sides are multiples of PATCH_PX and the longer is about `long_side_px`; normalized colors."""
    scale = long_side_px / max(pictures.shape[2:])
    size = [max(1, round(side * scale / PATCH_PX)) * PATCH_PX for side in pictures.shape[2:]]
    if size != list(pictures.shape[2:]):
        pictures = F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1)
    mean, spread = (pictures.new_tensor(channels)[:, None, None] for channels in (MEAN, SPREAD))
    return (pictures - mean) / spread


def _enlarged(small: Float[Tensor, "h w"], width: int, height: int) -> Float[Tensor, "H W"]:
    return F.interpolate(small[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]


def _poses(first: Camera, extrinsics: Float[Tensor, "n 3 4"] | None) -> list[Float[Tensor, "4 4"]] | None:
    """cam_from_world of every view, such that that of the first view is kept; None if the model predicts no poses."""
    if extrinsics is None:
        return None
    last_row = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    poses = torch.cat([extrinsics.double(), last_row.expand(len(extrinsics), 1, 4)], 1)
    start = torch.linalg.inv(poses[0]) @ first.cam_from_world.cpu().double()
    rest = [(pose @ start).to(first.cam_from_world) for pose in poses[1:]]
    return [first.cam_from_world, *rest]
