"""A world under construction: solids and their looks, added one by one in nested frames, then batched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from train_embedded_depth.looks import Look
from train_embedded_depth.solids import BLADES, BOX, CARD, CYLINDER, ELLIPSOID, GRATE, Solids


def turn(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> Float[ndarray, "3 3"]:
    """Rotation by roll about z, then pitch about x, then yaw about y; radians."""
    (sy, cy), (sp, cp), (sr, cr) = ((math.sin(a), math.cos(a)) for a in (yaw, pitch, roll))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


UPRIGHT = np.eye(3)
Vector = Sequence[float] | ndarray
"""Three numbers."""


@dataclass(frozen=True)
class Solid:
    """One unit shape, placed and painted."""

    kind: int
    center: Float[ndarray, "3"]
    rotation: Float[ndarray, "3 3"]
    half: Float[ndarray, "3"]
    look: Look


@dataclass(frozen=True)
class World:
    """Solids in the frame of whoever adds them; frames share one list."""

    solids: list[Solid] = field(default_factory=list)
    origin: Float[ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    rotation: Float[ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))

    def at(self, x: float, z: float, yaw: float = 0.0, y: float = 0.0) -> World:
        """The same world seen from a frame that stands here, turned about the vertical."""
        return World(self.solids, self._point((x, y, z)), self.rotation @ turn(yaw))

    def _point(self, p: Vector) -> Float[ndarray, "3"]:
        return self.origin + self.rotation @ np.asarray(p, float)

    def _add(self, kind: int, center: Vector, size: Vector, look: Look, rotation: ndarray) -> None:
        half = np.maximum(np.asarray(size, float) / 2, 2e-3)
        self.solids.append(Solid(kind, self._point(center), self.rotation @ rotation, half, look))

    def box(self, center: Vector, size: Vector, look: Look, rotation: ndarray = UPRIGHT) -> None:
        """A box of full sizes x, y, z around its centre."""
        self._add(BOX, center, size, look, rotation)

    def block(self, x: float, y: float, z: float, size: Vector, look: Look) -> None:
        """A box whose foot is centred on (x, y, z)."""
        self.box((x, y + size[1] / 2, z), size, look)

    def blob(self, center: Vector, size: Vector, look: Look, rotation: ndarray = UPRIGHT) -> None:
        """An ellipsoid of full sizes."""
        self._add(ELLIPSOID, center, size, look, rotation)

    def card(self, center: Vector, size: float, look: Look, rotation: ndarray = UPRIGHT) -> None:
        """A ragged leafy disc of that diameter."""
        self._add(CARD, center, (size, size, 1.0), look, rotation)

    def grate(self, center: Vector, width: float, height: float, look: Look, rotation: ndarray = UPRIGHT) -> None:
        """A flat row of upright bars between two rails."""
        self._add(GRATE, center, (width, height, 0.02), look, rotation)

    def blades(self, x: float, y: float, z: float, width: float, height: float, look: Look, yaw: float = 0.0) -> None:
        """A flat row of upright blades of grass whose foot is centred on (x, y, z)."""
        self._add(BLADES, (x, y + height / 2, z), (width, height, 0.02), look, turn(yaw))

    def post(self, x: float, y: float, z: float, width: float, height: float, look: Look) -> None:
        """An upright cylinder whose foot is centred on (x, y, z)."""
        self._add(CYLINDER, (x, y + height / 2, z), (width, height, width), look, np.eye(3))

    def rod(self, start: Vector, end: Vector, width: float, look: Look) -> None:
        """A cylinder from one point to another."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        axis = (b - a) / max(float(np.linalg.norm(b - a)), 1e-6)
        side = np.cross(axis, (1, 0, 0) if abs(axis[0]) < 0.9 else (0, 1, 0))
        side /= np.linalg.norm(side)
        rotation = np.stack([side, axis, np.cross(side, axis)], -1)
        self._add(CYLINDER, (a + b) / 2, (width, float(np.linalg.norm(b - a)), width), look, rotation)

    def free(self, point: Vector, margin: float) -> bool:
        """Whether nothing comes within `margin` of a point, in this frame."""
        p = self._point(point)
        return not any(_covers(solid, p, margin) for solid in self.solids)


def _covers(solid: Solid, p: Float[ndarray, "3"], margin: float) -> bool:
    return bool((np.abs(solid.rotation.T @ (p - solid.center)) < solid.half + margin).all())


SPECK = 0.007
"""Radians; what looks smaller is left out."""
_NOWHERE = np.array([0.0, -1e4, 0.0])


def _seen(solid: Solid, eye: ndarray, forward: ndarray, cosine: float) -> bool:
    """Whether a solid's bounding sphere reaches into the cone around the viewing direction and is no mere speck."""
    offset = solid.center - eye
    distance, radius = float(np.linalg.norm(offset)), float(np.linalg.norm(solid.half))
    if distance < 1.5 * radius + 0.5:
        return True
    if radius < SPECK * distance:
        return False
    angle = math.acos(max(-1.0, min(1.0, float(offset @ forward) / distance)))
    return angle - math.asin(radius / distance) < math.acos(cosine)


def batch(
    worlds: Sequence[World], eyes: Float[ndarray, "b 3"], forwards: Float[ndarray, "b 3"], cosines: Float[ndarray, "b"]
) -> tuple[Solids, Float[Tensor, "b n 7"]]:
    """Solids that the cameras may see, slot by slot, and their looks; empty slots are filled out of sight."""
    kept = [
        [s for s in world.solids if _seen(s, eyes[i], forwards[i], float(cosines[i]))] for i, world in enumerate(worlds)
    ]
    kinds: list[int] = []
    columns: list[list[Solid]] = [[] for _ in worlds]
    nothing = Look(0, 1.0, (0.0, 0.0, 0.0))
    for kind in (BOX, ELLIPSOID, CYLINDER, CARD, GRATE, BLADES):
        of_kind = [[s for s in solids if s.kind == kind] for solids in kept]
        slots = max(map(len, of_kind))
        kinds += [kind] * slots
        for column, solids in zip(columns, of_kind, strict=True):
            filler = Solid(kind, _NOWHERE, np.eye(3), np.full(3, 1e-3), nothing)
            column += solids + [filler] * (slots - len(solids))

    def table(rows: list) -> Tensor:
        return torch.from_numpy(np.array(rows, np.float32))

    looks = table([[s.look.row() for s in column] for column in columns])
    placed = [table([[getattr(s, name) for s in c] for c in columns]) for name in ("center", "rotation", "half")]
    return Solids(tuple(kinds), *placed), looks
