"""Depth maps as 16-bit PNG, NPY or EXR, one number for each pixel in the unit of the file; and masks."""

from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import UserError
from vistadream.formats.source import read_source


def read_depth_map(path: Path) -> Float[Tensor, "H W"]:
    """The stored numbers as float32, also those that are no depths: negative numbers, NaN and infinity.

    UserError names the file and what was wanted.
    """
    data = read_source(path, "depth map", "a 16-bit PNG, an NPY or an EXR")
    readers = {".npy": _read_npy, ".png": _read_png, ".exr": _read_exr}
    if path.suffix.lower() not in readers:
        raise UserError(f"{path}: unknown kind of depth file {path.suffix!r}; wanted .png, .npy or .exr")
    levels = readers[path.suffix.lower()](path, data)
    numbers = levels.dtype.kind in "uif"
    if numbers and levels.ndim == 3 and _has_equal_channels(levels):
        levels = levels[..., 0]
    if levels.ndim != 2 or levels.size == 0 or not numbers:
        raise UserError(f"{path}: holds {levels.dtype} of shape {levels.shape}; wanted one number per pixel, (h, w)")
    with np.errstate(over="ignore"):  # a number too large for float32 becomes infinity
        return torch.from_numpy(levels.astype(np.float32))


def read_mask(path: Path, height: int, width: int, noun: str, of: str) -> Bool[Tensor, "H W"]:
    """The pixels that are not black in an 8-bit picture, scaled to height x width by nearest neighbor.

    An alpha channel is ignored. `noun` and `of` say in errors what it is and to what it belongs, such as a "sky mask"
    and a "depth map". UserError names the file and what was wanted, also if the aspect ratio is another one.
    """
    levels = _decode(path, read_source(path, noun, "an 8-bit picture"), "a picture")
    if levels.dtype != np.uint8:
        raise UserError(f"{path}: is a {levels.dtype.itemsize * 8}-bit picture; wanted an 8-bit {noun}")
    h, w = levels.shape[:2]
    scale = max(w / width, h / height)
    if max(scale * width - w, scale * height - h) >= 1:
        raise UserError(f"{path}: the {noun} is {w}x{h}; wanted the {of}'s shape, {width}x{height}, or a scaled one")
    brightest = levels.reshape(h, w, -1)[..., :3].max(axis=-1)
    return torch.from_numpy(cv2.resize(brightest, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)).bool()


def _has_equal_channels(levels: np.ndarray) -> bool:
    """Whether every channel holds the same numbers; NaN counts as equal to NaN."""
    return np.array_equal(levels, np.broadcast_to(levels[..., :1], levels.shape), equal_nan=True)


def _read_npy(path: Path, data: bytes) -> np.ndarray:
    try:
        levels = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path}: not a readable NPY file ({error}); wanted one made by numpy.save") from error
    if not isinstance(levels, np.ndarray):
        raise UserError(f"{path}: holds several arrays; wanted one made by numpy.save")
    return levels


def _read_png(path: Path, data: bytes) -> np.ndarray:
    levels = _decode(path, data, "PNG")
    if levels.dtype != np.uint16:
        raise UserError(f"{path}: is an {levels.dtype.itemsize * 8}-bit picture; wanted a 16-bit PNG of depths")
    return levels


def _read_exr(path: Path, data: bytes) -> np.ndarray:
    os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")
    return _decode(path, data, "EXR")


def _decode(path: Path, data: bytes, kind: str) -> np.ndarray:
    try:
        levels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        levels = None
    if levels is None:
        raise UserError(f"{path}: cannot be decoded as {kind}; wanted a whole, undamaged file")
    return levels
