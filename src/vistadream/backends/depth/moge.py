"""Metric depth, normals and focal length by MoGe-2, through its own package."""

from __future__ import annotations

import math
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
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
from vistadream.core.knobs import SHARE, check_ranges

SIZES = tuple(name for name in MODELS if name.startswith("moge-2-"))


@dataclass(frozen=True)
class MogeDepth(OneModel):
    """MoGe-2 (Wang et al. 2025, arXiv 2507.02546), each view on its own.

    The model assumes that the principal point is at the picture's center, so the picture is padded until it is, and the
    maps are cropped. A known focal length is kept: the model then only estimates the distance that fits it.
    """

    NEEDS = Needs(
        packages=("moge", "utils3d", "scipy", "huggingface_hub"),
        models={"cuda": ("moge-2-vitl-normal",), "cpu": ("moge-2-vits-normal",)},
        may_download=True,
    )

    model: str
    """auto: the large model on a GPU, the small one on a CPU; or one of SIZES."""
    path: Path | None
    """The folder with model.pt, or that file; None: the cache, or the hub."""
    device: Device
    """auto: cuda if torch finds a GPU, else cpu; mps is Apple's GPU."""
    memory: MemoryChoice
    """The model is small, so only low differs: it uses resolution level 0 on a GPU."""
    resolution_level: int | None
    """From 0, coarse and fast, to 9; None: 9 on a GPU, 0 on a CPU."""
    min_sky: float
    """A connected region without depth is sky if it covers at least this fraction of the picture."""

    def __post_init__(self) -> None:
        self.check_knobs(("auto", *SIZES))
        check_ranges(self, resolution_level=(0, 9), min_sky=SHARE)

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """One prediction in meters per view, on the view's device; a pixel without depth is not valid.

        Raises UserError without the package or the weights, or with the weights of another model.
        """
        return [self._predict(view) for view in views]

    def _predict(self, view: View) -> DepthPrediction:
        width, height = centered_size(view.camera)
        added = margins(view.camera, width, height)
        fov_x_deg = math.degrees(2 * math.atan(width / 2 / view.camera.fx)) if view.focal_known else None
        maps = self.run(partial(self._infer, padded(view, added), fov_x_deg))
        camera = view.camera if view.focal_known else _with_focal(view.camera, maps["intrinsics"], width)
        cropped = {name: maps[name][window(view, added)] for name in maps.keys() - {"intrinsics"}}
        return _prediction(camera, cropped, self.min_sky)

    def _infer(self, image: Float[Tensor, "3 h w"], fov_x_deg: float | None, policy: Policy) -> dict[str, Tensor]:
        """The package's maps, on the image's device: depth, mask, normal, and intrinsics as fractions of the size."""
        finest = 9 if self.device_type == "cuda" else 0
        level = finest if self.resolution_level is None else self.resolution_level
        model = self.loaded(self._load, policy)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "In CPU autocast")  # autocast is then not used
            maps = model.infer(
                image.to(self.device_type),
                resolution_level=0 if policy == Policy.LOW else level,
                fov_x=fov_x_deg,
                use_fp16=self.device_type == "cuda",
            )
        return {name: value.to(image.device) for name, value in maps.items()}

    def _load(self) -> Any:
        if not hasattr(packages.load("utils3d"), "pt"):
            raise UserError(
                "the package utils3d here is another one of that name; wanted the one that MoGe uses: "
                f"pip uninstall utils3d, then {packages.INSTALL['utils3d']} --force-reinstall"
            )
        moge = packages.load("moge.model.v2")
        file = folder_of(self.entry, self.path) / "model.pt"
        with torch.random.fork_rng(devices=[]):  # the layers draw random values before they get the weights
            model = _read(file, moge.MoGeModel)
        model.enable_pytorch_native_sdpa()
        tell("depth/model", Note(f"depth by {self.entry.name} on the {self.device_type}, from {file.parent}"))
        return model.eval().to(self.device_type)


def _with_focal(camera: Camera, intrinsics: Float[Tensor, "3 3"], width: int) -> Camera:
    """The camera with the model's focal length, which is given as a fraction of `width` pixels."""
    focal_px = float(intrinsics[0, 0]) * width
    if not (math.isfinite(focal_px) and focal_px > 0):
        raise UserError(
            f"MoGe-2 found no focal length in this picture (it says {focal_px:g} px); wanted a positive one: set "
            "camera.focal_px, or take another depth model with backends/depth="
        )
    return camera.with_focal(focal_px)


def _prediction(camera: Camera, maps: dict[str, Tensor], min_sky: float) -> DepthPrediction:
    """The package's maps as a DepthPrediction. Its mask excludes pixels at infinity, and small specks."""
    valid = maps["mask"] & torch.isfinite(maps["depth"]) & (maps["depth"] > 0)
    normals = maps.get("normal")
    if normals is not None:
        faces_away = (normals * camera.rays(normals.device)).sum(-1, keepdim=True) > 0
        normals = torch.where(valid[..., None], torch.where(faces_away, -normals, normals), 0.0)
    sky = _large_regions(~maps["mask"], min_sky)
    return DepthPrediction(torch.where(valid, maps["depth"], 0.0), valid, camera, True, normals, sky)


def _large_regions(mask: Bool[Tensor, "h w"], min_area: float) -> Bool[Tensor, "h w"]:
    """The 4-connected regions of the mask that cover at least the fraction `min_area` of the picture."""
    found = mask.cpu().numpy().astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= min_area * mask.numel()
    large[0] = False  # label 0 is everything outside the mask
    return torch.from_numpy(large[labels]).to(mask.device)


def _read(file: Path, model_class: Any) -> Any:
    """The model of a checkpoint {"model_config", "model"}. The package's own loader ignores tensors that differ."""
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        weights, model = checkpoint["model"], model_class(**checkpoint["model_config"])
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, LookupError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{file} is not a checkpoint of MoGe-2 ({reason}); wanted the file as published") from error
    fill(model, weights, file)
    return model
