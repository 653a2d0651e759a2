"""The pictures, masks and arrays of a dataset. Each reader reports everything that is wrong with a file at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

Size = tuple[int, int]
"""Height and width."""
_NORMAL_LENGTH = 1e-3
"""The largest difference between the length of a normal and 1."""


def read_rgb(path: Path, size: Size | None) -> UInt8[np.ndarray, "h w 3"]:
    """An 8-bit RGB PNG of that size; None allows any size. ValueError says what is wrong; so do the readers below."""
    return _read_png(path, "RGB", size)


def read_mask(path: Path, size: Size | None) -> Bool[np.ndarray, "h w"]:
    """A gray PNG of 0 and 255."""
    levels = _read_png(path, "L", size)
    others = np.setdiff1d(levels, (0, 255))
    refuse([(others.size > 0, f"holds the level {others[:1]}; wanted 0 and 255 only")])
    return levels == 255


def read_depth(path: Path, size: Size | None) -> Float32[np.ndarray, "h w"]:
    """Camera-space z, finite and 0 or more."""
    z = _read_npy(path, size)
    refuse([(bool((z < 0).any()), f"{int((z < 0).sum())} values are negative; wanted 0 or more")])
    return z


def read_normals(path: Path, size: Size | None) -> Float32[np.ndarray, "h w 3"]:
    """Vectors of length 1 or 0."""
    normals = _read_npy(path, size and (*size, 3))
    length = np.linalg.norm(normals, axis=-1)
    odd = (np.abs(length - 1) > _NORMAL_LENGTH) & (length > 0)
    refuse([(bool(odd.any()), f"{int(odd.sum())} vectors have neither length 1 nor 0, first {length[odd][:1]}")])
    return normals


READERS: dict[str, Callable[[Path, Size | None], np.ndarray]] = {
    "image": read_rgb,
    "depth": read_depth,
    "normal": read_normals,
    "mask": read_mask,
    "supervise": read_mask,
    "generated": read_mask,
}
"""By the kinds of `layout.view_files`."""


def refuse(cases: Iterable[tuple[bool, str]]) -> None:
    """ValueError with the reasons of all cases that hold."""
    if reasons := [reason for holds, reason in cases if holds]:
        raise ValueError("; ".join(reasons))


def _read_png(path: Path, mode: str, size: Size | None) -> UInt8[np.ndarray, "..."]:
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            levels, form = np.array(picture), (picture.format, picture.mode)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"cannot be read ({error}); wanted a PNG") from error
    refuse(
        [
            (form != ("PNG", mode), f"is {form[0]} of mode {form[1]}; wanted PNG of mode {mode}, 8 bits a channel"),
            *_wrong_size(levels.shape[:2], size),
        ]
    )
    return levels


def _read_npy(path: Path, shape: tuple[int, ...] | None) -> Float32[np.ndarray, "..."]:
    try:
        values = np.load(path, allow_pickle=False)
        finite = np.isfinite(values)
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise ValueError(f"cannot be read ({error}); wanted a NumPy array of float32") from error
    refuse(
        [
            (values.dtype != np.float32, f"holds {values.dtype}; wanted float32"),
            (not finite.all(), f"{int((~finite).sum())} values are not finite"),
            *_wrong_size(values.shape, shape),
        ]
    )
    return values


def _wrong_size(got: tuple[int, ...], wanted: tuple[int, ...] | None) -> list[tuple[bool, str]]:
    return [(wanted is not None and got != wanted, f"has shape {got}; wanted {wanted} as its camera")]
