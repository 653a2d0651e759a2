"""The authors' network in a small size, from the packages sharp and timm in the folder `VISTADREAM_SHARP_REFERENCE`.

timm imports torchvision, of which nothing is used here; empty modules stand in its place while it is imported.
"""

import enum
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from vistadream.backends.splats.sharp.sizes import Sizes

FOLDER = os.environ.get("VISTADREAM_SHARP_REFERENCE")
SIZES = Sizes(
    channels=48,
    blocks=2,
    heads=2,
    early=(0, 1),
    classes=7,
    levels=(16, 24, 32, 32),
    depth_channels=16,
    splat_channels=16,
)
"""Its pictures have 1,536 px, as the authors' code knows no other size."""
_PRESET = "dinov2l16_384"


class _Empty(types.ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "InterpolationMode":
            return enum.Enum(
                name, {word.upper(): word for word in ("nearest", "bilinear", "bicubic", "box", "hamming", "lanczos")}
            )
        return type(name, (nn.Module,), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        here = name.partition(".")[0] in ("torchvision", "plyfile")
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if here else None

    def exec_module(self, module):
        object.__setattr__(module, "__class__", _Empty)


@contextmanager
def imported():
    """Makes the authors' packages importable in the block, and forgets them afterwards."""
    before, finder, folder = {*sys.modules}, _Finder(), str(Path(FOLDER).resolve())
    sys.meta_path.insert(0, finder)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name not in before]:
            if name.partition(".")[0] in ("sharp", "timm", "torchvision", "plyfile"):
                del sys.modules[name]


def network():
    """The authors' network of SIZES; call it within `imported`."""
    for place, value in (
        ("monodepth.MONODEPTH_ENCODER_DIMS_MAP", [*SIZES.levels]),
        ("monodepth.MONODEPTH_HOOK_IDS_MAP", [*SIZES.early, 90, 91]),
    ):
        module, name = place.split(".")
        getattr(importlib.import_module(f"sharp.models.presets.{module}"), name)[_PRESET] = value
    config = importlib.import_module("sharp.models.presets.vit").VIT_CONFIG_DICT[_PRESET]
    vars(config).update(embed_dim=SIZES.channels, depth=SIZES.blocks, num_heads=SIZES.heads, num_classes=SIZES.classes)
    models = importlib.import_module("sharp.models")
    params = models.PredictorParams()
    vars(params.monodepth).update(dims_decoder=(SIZES.depth_channels,) * 5)
    vars(params.gaussian_decoder).update(dims_decoder=(SIZES.splat_channels,) * 5)
    return models.create_predictor(params).eval()
