"""Gaussians to and from the PLY layout of 3D Gaussian Splatting, which nearly every splat viewer opens.

Layout (Kerbl et al. 2023, "3D Gaussian Splatting for Real-Time Radiance Field Rendering", reference implementation):
x y z, f_dc_0..2, f_rest_* (channel-major; only if there are such coefficients), opacity (logit), scale_0..2 (natural
log), rot_0..3 (wxyz), each a little-endian float32. The reference also writes three zero normals. They are left out
here, as in gsplat: viewers find properties by name, and the few that expect a fixed row of 62 floats would also need
45 zeros of f_rest, which would make files four times as large.

Law: `write_ply(read_ply(f))` gives the bytes of f for every f that `write_ply` made, so that a resumed run continues
from exactly the numbers of an uninterrupted one. This is true for four reasons. Every transform is done in float64 and
rounded once. The clamps are fixed points. A quaternion whose length differs from 1 only by rounding is not changed. And
the writer makes one round trip itself: if a float32 logarithm and its exponential disagree, the first trip removes the
difference.
"""

from __future__ import annotations

import io
import math
from codecs import BOM_UTF8
from pathlib import Path

import numpy as np
import plyfile
import torch

from vistadream.core import Gaussians, UserError

SH_C0 = 0.5 / math.sqrt(math.pi)
"""The constant spherical harmonic: rgb = 0.5 + SH_C0 * f_dc."""
MAX_LOGIT = 20.0
"""The bound of the logit of opacity; sigmoid(20) is 1 in float32, sigmoid(-20) is 2e-9."""
MIN_SCALE = float(np.finfo(np.float32).tiny)
"""The smallest standard deviation that is written, because viewers do not accept log 0."""

MEANS = ("x", "y", "z")
_DC = ("f_dc_0", "f_dc_1", "f_dc_2")
SCALES = ("scale_0", "scale_1", "scale_2")
QUATS = ("rot_0", "rot_1", "rot_2", "rot_3")
_REQUIRED = (*MEANS, *_DC, "opacity", *SCALES, *QUATS)


def write_ply(gaussians: Gaussians, path: Path) -> Path:
    """Writes the Gaussians to `path` (its folder must exist) and returns it.

    Raises ValueError with the name of the column when a value is not finite or out of its physical range.
    """
    columns = _columns_from_gaussians(_gaussians_from_columns(_columns_from_gaussians(gaussians)))
    _refuse_non_finite(columns, ValueError, "write_ply")
    rows = np.rec.fromarrays(list(columns.values()), dtype=[(name, "<f4") for name in columns])
    element = plyfile.PlyElement.describe(rows, "vertex")
    plyfile.PlyData([element], text=False, byte_order="<").write(str(path))
    return path


def read_ply(path: Path) -> Gaussians:
    """The Gaussians of a 3DGS PLY; colors are RGB "n 3" without f_rest, else SH "n k 3".

    Normals and other properties are ignored. Raises UserError with the file and what is wrong.
    """
    gaussians = _gaussians_from_columns(read_columns(path))
    _refuse_non_finite({name: tensor.numpy() for name, tensor in gaussians.tensors()}, UserError, str(path))
    if bad := int((gaussians.quats_wxyz == 0).all(dim=1).sum()):
        raise UserError(f"{path}: the quaternion is zero in {bad} of {len(gaussians)} Gaussians")
    return gaussians


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """The stored properties (log scales, logits) as float64 "n", not checked; UserError as in `read_ply`."""
    try:
        with _AsciiHeader(path) as stream:
            ply = plyfile.PlyData.read(stream)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); wanted a 3DGS PLY file") from error
    except (plyfile.PlyParseError, ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not a complete PLY file ({error})") from error
    if "vertex" not in ply:
        raise UserError(f"{path}: has no element 'vertex', only {[e.name for e in ply.elements]}; wanted a 3DGS PLY")
    vertex = ply["vertex"]
    scalars = {p.name for p in vertex.properties if not isinstance(p, plyfile.PlyListProperty)}
    if missing := [name for name in _REQUIRED if name not in scalars]:
        raise UserError(f"{path}: lacks the properties {', '.join(missing)}; wanted an uncompressed 3DGS PLY")
    rest = _rest_names(sum(name.startswith("f_rest_") for name in scalars))
    if len(rest) not in (0, 9, 24, 45) or not scalars.issuperset(rest):
        raise UserError(f"{path}: has {len(rest)} f_rest properties; wanted f_rest_0 up to 0, 9, 24 or 45 of them")
    return {name: np.asarray(vertex[name], np.float64) for name in (*_REQUIRED, *rest)}


class _AsciiHeader(io.BufferedReader):
    """A PLY file without its byte order mark, and with `?` in place of each byte of its header that is not ASCII.

    The format requires ASCII, and plyfile enforces it, but programs write comments in any encoding.
    """

    _TABLE = bytes(range(128)) + b"?" * 128

    def __init__(self, path: Path):
        super().__init__(io.FileIO(path))
        head = super().read(1 << 20)
        self._header_bytes = max(head.find(b"end_header"), 0)
        self.seek(len(BOM_UTF8) if head.startswith(BOM_UTF8) else 0)

    def read(self, size: int | None = -1, /) -> bytes:
        in_header = self.tell() < self._header_bytes
        read = super().read(size)
        return read.translate(self._TABLE) if in_header else read


def _rest_names(count: int) -> tuple[str, ...]:
    return tuple(f"f_rest_{i}" for i in range(count))


def _columns_from_gaussians(gaussians: Gaussians) -> dict[str, np.ndarray]:
    """The properties to store, rounded to float32 and kept as float64 like those of `read_columns`."""
    means, quats, scales, opacities, colors = (
        tensor.detach().cpu().double().numpy() for _, tensor in gaussians.tensors()
    )
    with np.errstate(all="ignore"):  # the caller refuses values that are not finite
        columns = dict(zip(MEANS, means.T, strict=True))
        dc = (colors - 0.5) / SH_C0 if colors.ndim == 2 else colors[:, 0]
        columns |= zip(_DC, dc.T, strict=True)
        if colors.ndim == 3:
            names = _rest_names(3 * (colors.shape[1] - 1))
            rest = colors[:, 1:].transpose(2, 1, 0).reshape(len(names), len(colors))
            columns |= zip(names, rest, strict=True)
        logits = np.log(opacities) - np.log1p(-opacities)
        columns["opacity"] = np.clip(logits, -MAX_LOGIT, MAX_LOGIT)
        columns |= zip(SCALES, np.log(np.where(scales >= 0, np.maximum(scales, MIN_SCALE), np.nan)).T, strict=True)
        columns |= zip(QUATS, _unit(quats).T, strict=True)
        return {name: values.astype(np.float32).astype(np.float64) for name, values in columns.items()}


def _unit(quats: np.ndarray) -> np.ndarray:
    """Unit quaternions. One whose norm differs from 1 only by rounding is kept, so that a second write is the same."""
    norms = np.linalg.norm(quats, axis=1, keepdims=True)
    return np.where(np.abs(norms - 1) < 1e-6, quats, quats / norms)


def _refuse_non_finite(values: dict[str, np.ndarray], error: type[Exception], what: str) -> None:
    for name, array in values.items():
        finite = np.isfinite(array).all(axis=tuple(range(1, array.ndim)))
        if bad := int((~finite).sum()):
            raise error(f"{what}: {name} is not a finite number in {bad} of {len(array)} Gaussians")


def _gaussians_from_columns(columns: dict[str, np.ndarray]) -> Gaussians:
    def stack(names: tuple[str, ...]) -> np.ndarray:
        return np.stack([columns[name] for name in names], axis=1)

    rest = [name for name in columns if name.startswith("f_rest_")]
    dc = stack(_DC)
    if rest:
        per_channel = stack(tuple(rest)).reshape(len(dc), 3, len(rest) // 3)
        colors = np.concatenate([dc[:, None], per_channel.transpose(0, 2, 1)], axis=1)
    else:
        colors = 0.5 + SH_C0 * dc
    opacities = 1 / (1 + np.exp(-np.clip(columns["opacity"], -MAX_LOGIT, MAX_LOGIT)))
    with np.errstate(all="ignore"):
        physical = (stack(MEANS), stack(QUATS), np.exp(stack(SCALES)), opacities, colors)
        return Gaussians(*(torch.from_numpy(values.astype(np.float32)) for values in physical))
