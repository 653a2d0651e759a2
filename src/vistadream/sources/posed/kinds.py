"""The kinds of folders whose pictures have known cameras, in the order in which they are looked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vistadream.sources.posed import colmap, fastgs, nerfstudio
from vistadream.sources.shot import Reading

PosedKind = Literal["fastgs", "nerfstudio", "colmap"]


@dataclass(frozen=True)
class Posed:
    """How one kind is found and read."""

    words: str
    """What a folder of this kind holds."""
    is_in: Callable[[Path], object]
    """Whether a folder is of this kind, by its files."""
    read: Callable[[Path], Reading]


POSED: dict[PosedKind, Posed] = {
    "fastgs": Posed("a dataset of export=[fastgs]", fastgs.is_in, fastgs.read),
    "nerfstudio": Posed("cameras in transforms.json", nerfstudio.file_in, nerfstudio.read),
    "colmap": Posed("a COLMAP model", colmap.models_in, colmap.read),
}
"""Our own dataset holds a COLMAP model too, so that it comes first."""
