"""Pictures of a textured plane for tests of several photos."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from vistadream.sources.lens import Lens
from vistadream.sources.several import SeveralPhotos

_RNG = np.random.default_rng(0)
_PLANE = Image.fromarray(_RNG.integers(0, 255, (120, 400, 3), dtype=np.uint8)).resize(
    (1600, 480), Image.Resampling.BICUBIC
)


def photo(shift: int = 0, size: tuple[int, int] = (160, 120), blur: float = 0) -> Image.Image:
    """The plane seen from `shift` pixels further to the right."""
    seen = _PLANE.crop((shift, 0, shift + size[0], size[1]))
    return seen.filter(ImageFilter.GaussianBlur(blur)) if blur else seen


def folder_of(path: Path, *names: str, step: int = 20, **saving: Any) -> Path:
    """A folder with a photo of each name, each further to the right than the one before."""
    path.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        photo(i * step).save(path / name, **saving)
    return path


def source(input: Path | str, **knobs: Any) -> SeveralPhotos:
    """The source with small defaults; `focal_px` and the like go to the lens."""
    lens = {name: knobs.pop(name, default) for name, default in _LENS.items()}
    return SeveralPhotos(**{"input": input, "lens": Lens(**lens)} | _KNOBS | knobs)


_LENS = {"focal_px": None, "principal_px": None, "fov_x_deg": 60.0}
_KNOBS = {"kind": "auto", "max_views": 60, "fps": 2, "max_resolution": 128, "multiple": 8}
