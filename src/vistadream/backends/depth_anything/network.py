"""The network of Depth Anything 3, from the package that its authors publish, and one call of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth_anything.files import configuration, read_model
from vistadream.backends.needs import Needs
from vistadream.backends.weights.one_model import Device, OneModel
from vistadream.backends.weights.policy import MemoryChoice, Policy
from vistadream.backends.weights.store import folder_of
from vistadream.backends.weights.table import MODELS
from vistadream.core import Note, View, tell
from vistadream.core.knobs import Range, check_ranges

PATCH_PX = 14
SIZES = tuple(name for name in MODELS if name.startswith("da3"))
METRIC = "da3metric-large"
ANY_VIEW = tuple(name for name in SIZES if name not in (METRIC, "da3mono-large"))
"""The models that read several views together and find their cameras."""
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of the RGB colors in the backbone's training data."""


@dataclass(frozen=True)
class Request:
    """What the network is asked about some pictures apart from their depth."""

    ref_view: str = "saddle_balanced"
    """How it chooses the view that the others refer to, in the words of the package."""
    ray_seed: int | None = None
    """The seed with which cameras are fitted to the predicted rays; None: cameras by the camera decoder."""
    cam_from_world: Float[Tensor, "n 4 4"] | None = None
    """Known poses, normalized; None: unknown."""
    K: Float[Tensor, "n 3 3"] | None = None
    """Intrinsics that belong to known poses, in pixels of the network's input."""
    features: bool = False
    """Whether the features of the last block of the backbone are wanted, as "features"."""


@dataclass(frozen=True)
class Network(OneModel):
    """The knobs of every backend with a model of Depth Anything 3 (Lin et al. 2025, arXiv 2511.10647)."""

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

    def patch_features(self, views: Sequence[View]) -> list[Float[Tensor, "h w c"]]:
        """What the last block of the backbone says of each square of PATCH_PX pixels; each View is read on its own."""
        pictures = (view.rgb.detach().float().permute(2, 0, 1)[None] for view in views)
        return [self.infer(picture, Request(features=True))["features"][0] for picture in pictures]

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which the network reads a picture: multiples of PATCH_PX."""
        scale = self.resolution_px / max(width, height)
        width, height = (max(1, round(side * scale / PATCH_PX)) * PATCH_PX for side in (width, height))
        return width, height

    def infer(self, pictures: Float[Tensor, "n 3 H W"], request: Request) -> dict[str, Tensor]:
        """The network's maps at its own resolution and its cameras, one of each per picture, on the CPU.

        Raises UserError without the package, the weights or their license, or with the weights of another model.
        """
        return self.run(partial(self.infer_under, pictures=pictures, request=request))

    def infer_under(self, policy: Policy, pictures: Float[Tensor, "n 3 H W"], request: Request) -> dict[str, Tensor]:
        """`infer` as a piece of work for `run`."""
        model = self.loaded(self._load, policy)
        inputs = normalized(pictures.cpu(), self.input_size(*pictures.shape[:1:-1])).to(self.device_type)
        half = torch.bfloat16 if self.device_type == "cuda" and torch.cuda.is_bf16_supported() else torch.float16
        with (
            torch.no_grad(),
            _own_random_numbers(request.ray_seed),
            torch.autocast(self.device_type, half, enabled=self.device_type == "cuda"),
        ):
            outputs = model(inputs[None], **_arguments(request, model, inputs))
        maps = {name: value for name, value in outputs.items() if isinstance(value, Tensor)}
        if request.features:
            (maps["features"],) = outputs.aux.values()
        return {name: value[0].float().cpu() for name, value in maps.items()}

    def _load(self) -> Any:
        layout = configuration(self.entry.name)
        file = folder_of(self.entry, self.path, self.accept_noncommercial) / "model.safetensors"
        model = read_model(layout, file).to(self.device_type)
        tell("depth/model", Note(f"Depth Anything 3: {self.entry.name} on the {self.device_type}, from {file.parent}"))
        return model


def normalized(pictures: Float[Tensor, "n 3 H W"], size: tuple[int, int]) -> Float[Tensor, "n 3 h w"]:
    """The pictures at this width and height, with normalized colors."""
    if size != tuple(pictures.shape[:1:-1]):
        pictures = F.interpolate(pictures, size[::-1], mode="bicubic", antialias=True).clamp(0, 1)
    mean, spread = (pictures.new_tensor(channels)[:, None, None] for channels in (MEAN, SPREAD))
    return (pictures - mean) / spread


@contextmanager
def _own_random_numbers(seed: int | None) -> Iterator[None]:
    """The network draws random pixels for its largest depth, and to fit cameras to rays, which are seeded."""
    with torch.random.fork_rng(devices=[] if seed is None else None):
        if seed is not None:
            torch.manual_seed(seed)
        yield


def _arguments(request: Request, model: Any, inputs: Tensor) -> dict[str, Any]:
    """The arguments of the package's network."""
    posed = None if request.cam_from_world is None else request.cam_from_world[None].to(inputs)
    return {
        "extrinsics": posed,
        "intrinsics": None if request.K is None else request.K[None].to(inputs),
        "ref_view_strategy": request.ref_view,
        "use_ray_pose": request.ray_seed is not None,
        "export_feat_layers": [len(model.backbone.pretrained.blocks) - 1] if request.features else [],
    }
