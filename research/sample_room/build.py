"""Collects shapes and materials, and sorts them into a bounding-box hierarchy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sample_room.shapes import BOX, FRUSTUM, ROUNDED, SPHERE, TUBE, Solids
from sample_room.textures import PLAIN

_LEAF = 3


class Material(NamedTuple):
    """How a surface looks. Colours are linear RGB reflectances."""

    color: tuple[float, float, float]
    texture: int = PLAIN
    """One of `textures`' patterns, drawn from `color` to `second`."""
    second: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gloss: float = 0.0
    """Strength of the clear coat, 0 to 1, times Fresnel."""
    roughness: float = 0.2
    emission: float = 0.0
    """Radiance is `emission` times `color`."""


def srgb(code: str) -> tuple[float, float, float]:
    """Linear RGB of a hexadecimal sRGB colour such as "c8a47e" (IEC 61966-2-1)."""
    v = np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    return tuple(linear.tolist())


def rotation(x: float = 0, y: float = 0, z: float = 0) -> np.ndarray:
    """Rotation matrix about z, then x, then y; degrees."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(np.radians([x, y, z])), np.cos(np.radians([x, y, z]))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


class Builder:
    """Shapes are placed by their centre and half size, in metres, within the frame last set by `at`."""

    def __init__(self) -> None:
        self.materials: list[Material] = []
        self._kinds: list[int] = []
        self._world_from_local: list[np.ndarray] = []
        self._half_sizes: list[tuple[float, float, float]] = []
        self._shapes: list[float] = []
        self._material_of: list[int] = []
        self.at()

    def at(self, x: float = 0, y: float = 0, z: float = 0, turn_deg: float = 0) -> None:
        """Place what follows relative to this point, turned about the vertical."""
        self._origin, self._turn = np.array([x, y, z], float), rotation(y=turn_deg)

    def box(self, center, half_size, material: Material, turn: np.ndarray | None = None) -> None:
        self._add(BOX, center, half_size, material, turn)

    def sphere(self, center, half_size, material: Material, turn: np.ndarray | None = None) -> None:
        self._add(SPHERE, center, half_size, material, turn)

    def frustum(self, base, top, radius: float, material: Material, taper: float = 1, open_ends: bool = False) -> None:
        """A round bar from `base`, with `radius`, to `top`, with `radius * taper`."""
        base, top = np.array(base, float), np.array(top, float)
        axis = (top - base) / 2
        half = float(np.linalg.norm(axis))
        y = axis / half
        x = np.cross(y, [0.0, 0, 1] if abs(y[2]) < 0.9 else [1.0, 0, 0])
        x /= np.linalg.norm(x)
        turn = np.stack([x, y, np.cross(x, y)], axis=1)
        kind = TUBE if open_ends else FRUSTUM
        self._add(kind, (base + top) / 2, (radius, half, radius), material, turn, taper)

    def cushion(self, center, half_size, radius: float, material: Material, turn: np.ndarray | None = None) -> None:
        """A box whose edges are rounded with `radius`."""
        self._add(ROUNDED, center, half_size, material, turn, radius)

    def _add(self, kind, center, half_size, material, turn, shape=0.0) -> None:
        turn = self._turn @ (np.eye(3) if turn is None else turn)
        pose = np.empty((3, 4))
        pose[:, :3] = turn if kind == ROUNDED else turn * np.array(half_size, float)
        pose[:, 3] = self._origin + self._turn @ np.array(center, float)
        if material not in self.materials:
            self.materials.append(material)
        self._kinds.append(kind)
        self._world_from_local.append(pose)
        self._half_sizes.append(tuple(half_size))
        self._shapes.append(shape)
        self._material_of.append(self.materials.index(material))

    def solids(self) -> Solids:
        """Everything placed so far, sorted."""
        poses, half_sizes = np.array(self._world_from_local), np.array(self._half_sizes, float)
        kinds = np.array(self._kinds)
        extent = np.abs(poses[:, :, :3])
        rigid = kinds == ROUNDED
        extent[rigid] *= half_sizes[rigid][:, None]
        reach = extent.sum(axis=2) + 1e-6
        low, high = poses[:, :, 3] - reach, poses[:, :, 3] + reach
        order, nodes = _hierarchy(low, high)
        inverse = np.linalg.inv(poses[:, :, :3])
        local_from_world = np.concatenate([inverse, -inverse @ poses[:, :, 3:]], axis=2)[order]
        return Solids(
            kinds[order],
            np.ascontiguousarray(local_from_world),
            half_sizes[order],
            np.array(self._shapes, float)[order],
            np.array(self._material_of)[order],
            *nodes,
        )


def _hierarchy(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Order of the shapes, and the nodes depth first: halves split at the median along the widest axis."""
    order: list[int] = []
    nodes: list[tuple] = []

    def visit(members: np.ndarray) -> None:
        me = len(nodes)
        box = low[members].min(axis=0), high[members].max(axis=0)
        nodes.append(())
        first, count = len(order), 0
        if len(members) <= _LEAF:
            order.extend(members)
            count = len(members)
        else:
            centers = low[members] + high[members]
            axis = np.ptp(centers, axis=0).argmax()
            ranked = members[np.argsort(centers[:, axis], kind="stable")]
            visit(ranked[: len(ranked) // 2])
            visit(ranked[len(ranked) // 2 :])
        nodes[me] = (*box, len(nodes), first, count)

    visit(np.arange(len(low)))
    return np.array(order), [np.array(column) for column in zip(*nodes, strict=True)]
