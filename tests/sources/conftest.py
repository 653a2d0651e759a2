"""Photos of a textured plane, the source of several photos with small defaults, and an observer that remembers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vistadream.core import Note, Summary, View
from vistadream.sources.lens import Lens
from vistadream.sources.several import SeveralPhotos

LENS = {"focal_px": None, "principal_px": None, "fov_x_deg": 60.0}
KNOBS = {"kind": "auto", "max_views": 60, "fps": 2, "max_resolution": 128, "multiple": 8}


@pytest.fixture(scope="session")
def plane() -> Image.Image:
    levels = np.random.default_rng(0).integers(0, 255, (120, 400, 3), dtype=np.uint8)
    return Image.fromarray(levels).resize((1600, 480), Image.Resampling.BICUBIC)


@pytest.fixture
def photo(plane: Image.Image) -> Callable[..., Image.Image]:
    """Takes a photo of the plane, `shift` pixels further to the right."""

    def taken(shift: int = 0, size: tuple[int, int] = (160, 120), blur: float = 0) -> Image.Image:
        seen = plane.crop((shift, 0, shift + size[0], size[1]))
        return seen.filter(ImageFilter.GaussianBlur(blur)) if blur else seen

    return taken


@pytest.fixture
def folder_of(photo: Callable[..., Image.Image]) -> Callable[..., Path]:
    """Makes a folder with a photo of each name, each further to the right than the one before."""

    def filled(path: Path, *names: str, step: int = 20) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        for i, name in enumerate(names):
            photo(i * step).save(path / name)
        return path

    return filled


@pytest.fixture
def source() -> Callable[..., SeveralPhotos]:
    """Makes a source; knobs such as `focal_px` go to the lens."""

    def made(named: Any, **knobs: Any) -> SeveralPhotos:
        lens = {name: knobs.pop(name, default) for name, default in LENS.items()}
        return SeveralPhotos(**{"input": named, "lens": Lens(**lens)} | KNOBS | knobs)

    return made


class Heard:
    """An Observer that keeps what it is given, while a source is read."""

    def __init__(self) -> None:
        self.all: list[tuple[str, object]] = []
        self.views: Sequence[View] = ()

    def __call__(self, name: str, value: object, step: int | None = None) -> None:
        self.all.append((name, value))

    def of(self, source: SeveralPhotos) -> "Heard":
        """Reads the source."""
        self.views = source(self)
        return self

    @property
    def names(self) -> list[str]:
        return [view.name for view in self.views]

    @property
    def photos(self) -> list[dict]:
        """What became of each photo, as data."""
        (summary,) = (value for name, value in self.all if name == "load/photos" and isinstance(value, Summary))
        return summary.data["photos"]

    @property
    def reasons(self) -> dict[str, str]:
        """Why each photo is not used that is not, by its name."""
        return {each["name"]: each["reason"] for each in self.photos if not each["used"]}

    @property
    def lines(self) -> list[str]:
        return [value.text for _, value in self.all if isinstance(value, Note)]


@pytest.fixture
def heard() -> Heard:
    return Heard()
