"""Unit shapes under affine transforms and the rays that meet them, many scenes at once.

World axes: x right, y up, z ahead; metres. Scenes are batched slot by slot: slot n of every scene holds a solid of the
same kind, so that one pass over the slots casts the rays of all scenes with plain tensor arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

BOX, ELLIPSOID, CYLINDER, CARD, GRATE, BLADES = range(6)
"""Cube [-1, 1]^3; unit sphere; capped cylinder of radius 1 about y; flat at z = 0: ragged leafy disc of radius 1,
square of upright bars between two rails, row of upright blades of grass."""
NEAREST = 1e-3
"""Ray parameters below this do not count, lest a surface shadow itself."""


@dataclass(frozen=True, eq=False)
class Solids:
    """b scenes of n solids."""

    kinds: tuple[int, ...]
    """The kind of each slot."""
    centers: Float[Tensor, "b n 3"]
    rotations: Float[Tensor, "b n 3 3"]
    """World from local."""
    halves: Float[Tensor, "b n 3"]
    """Half sizes in metres."""

    def to_local(self, slot: int, origins: Float[Tensor, "b 3 p"]) -> Float[Tensor, "b 3 p"]:
        """World points in the unit space of one slot."""
        return self.turn(slot, origins - self.centers[:, slot, :, None])

    def turn(self, slot: int, directions: Float[Tensor, "b 3 p"]) -> Float[Tensor, "b 3 p"]:
        """World directions in the unit space of one slot, their length in units of the ray parameter."""
        local_from_world = self.rotations[:, slot].mT / self.halves[:, slot, :, None]
        return torch.bmm(local_from_world, directions)


def hit(kind: int, o: Float[Tensor, "b 3 p"], d: Float[Tensor, "b 3 p"]) -> Float[Tensor, "b p"]:
    """Ray parameter at which each local ray first meets the unit shape from outside; inf where it does not."""
    return (_hit_box, _hit_ellipsoid, _hit_cylinder, _hit_card, _hit_grate, _hit_blades)[kind](o, d)


def _slab(o: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Where rays enter and leave |x| <= 1 along one axis."""
    inverse = 1 / torch.where(d.abs() < 1e-9, 1e-9, d)
    middle, reach = -o * inverse, inverse.abs()
    return middle - reach, middle + reach


def _met(near: Tensor, far: Tensor) -> Tensor:
    return torch.where((near < far) & (near > NEAREST), near, torch.inf)


def _hit_box(o: Tensor, d: Tensor) -> Tensor:
    near, far = _slab(o, d)
    return _met(near.amax(1), far.amin(1))


def _roots(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Both roots of a t^2 + 2 b t + c, the larger below the smaller where there is none."""
    root = b * b - a * c
    width = torch.where(root > 0, root.clamp(min=0).sqrt(), -1.0)
    a = a.clamp(min=1e-12)
    return (-b - width) / a, (-b + width) / a


def _hit_ellipsoid(o: Tensor, d: Tensor) -> Tensor:
    return _met(*_roots((d * d).sum(1), (o * d).sum(1), (o * o).sum(1) - 1))


def _hit_cylinder(o: Tensor, d: Tensor) -> Tensor:
    (ox, oy, oz), (dx, dy, dz) = o.unbind(1), d.unbind(1)
    near, far = _roots(dx * dx + dz * dz, ox * dx + oz * dz, ox * ox + oz * oz - 1)
    low, high = _slab(oy, dy)
    return torch.where(near < far, _met(torch.maximum(near, low), torch.minimum(far, high)), torch.inf)


def _meet_plane(o: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Ray parameter, x and y where rays cross z = 0."""
    (ox, oy, oz), (dx, dy, dz) = o.unbind(1), d.unbind(1)
    t = -oz / torch.where(dz.abs() < 1e-9, 1e-9, dz)
    return t, ox + t * dx, oy + t * dy


def _hit_card(o: Tensor, d: Tensor) -> Tensor:
    t, x, y = _meet_plane(o, d)
    ragged = 0.3 * (torch.sin(9 * x + 3 * y) + torch.sin(11 * y - 5 * x) + torch.sin(23 * x + 17 * y))
    return torch.where((t > NEAREST) & (x * x + y * y + ragged.clamp(min=-0.3) < 0.8), t, torch.inf)


BARS, BAR_SHARE, BLADE_COUNT = 8, 0.25, 12
"""Bars of a grate and the share of its width that they cover; blades in a row."""


def _hit_grate(o: Tensor, d: Tensor) -> Tensor:
    t, x, y = _meet_plane(o, d)
    solid = ((BARS / 2 * x) % 1 < BAR_SHARE) | (y.abs() > 0.9)
    return torch.where((t > NEAREST) & (torch.maximum(x.abs(), y.abs()) < 1) & solid, t, torch.inf)


def _hit_blades(o: Tensor, d: Tensor) -> Tensor:
    """Blades taper towards their tips, which are at different heights."""
    t, x, y = _meet_plane(o, d)
    across = BLADE_COUNT / 2 * x
    cell = across.floor()
    height = 0.7 + 0.3 * torch.sin(37 * cell)
    solid = 2 * (across - cell - 0.5).abs() < 1 - (y + 1) / 2 / height
    return torch.where((t > NEAREST) & (x.abs() < 1) & (y > -1) & solid, t, torch.inf)


def local_normal(kind: Int[Tensor, "b p"], p: Float[Tensor, "b 3 p"]) -> Float[Tensor, "b 3 p"]:
    """Outward normals of the unit shapes at points on them, in local axes and not normalised."""
    face = (p.abs() >= p.abs().amax(1, keepdim=True)) * p.sign()
    flat = torch.zeros_like(p)
    on_cap = p[:, 1].abs() > 1 - 1e-4
    flat[:, 1] = torch.where(on_cap, p[:, 1].sign(), 0.0)
    side = p * p.new_tensor([1.0, 0.0, 1.0])[:, None]
    cylinder = torch.where(on_cap[:, None], flat, side)
    card = torch.zeros_like(p)
    card[:, 2] = 1
    shapes = torch.stack([face, p, cylinder, card])
    return torch.gather(shapes, 0, kind.clamp(max=CARD)[None, :, None].expand(1, -1, 3, -1))[0]


@dataclass(frozen=True, eq=False)
class Hits:
    """The first surface along each ray."""

    t: Float[Tensor, "b p"]
    """Ray parameter; inf where nothing is met."""
    slot: Int[Tensor, "b p"]
    """The solid that is met; 0 where none is."""


def cast(solids: Solids, origins: Float[Tensor, "b 3 p"], directions: Float[Tensor, "b 3 p"]) -> Hits:
    """The nearest solid along each ray; `origins` may have p = 1 where all rays of a scene share it."""
    best = torch.full_like(directions[:, 0], torch.inf)
    slots = torch.zeros_like(best, dtype=torch.int64)
    for slot, kind in enumerate(solids.kinds):
        t = hit(kind, solids.to_local(slot, origins), solids.turn(slot, directions))
        nearer = t < best
        best = torch.where(nearer, t, best)
        slots.masked_fill_(nearer, slot)
    return Hits(best, slots)


def surface(
    solids: Solids, hits: Hits, points: Float[Tensor, "b 3 p"]
) -> tuple[Float[Tensor, "b 3 p"], Float[Tensor, "b 3 p"], Float[Tensor, "b 3 p"]]:
    """World normals (unit, outward), local unit coordinates and local normals of the points that were met."""
    b, p = hits.slot.shape
    index = hits.slot[..., None]
    rotation = torch.gather(solids.rotations.flatten(2), 1, index.expand(b, p, 9)).reshape(b, p, 3, 3)
    half = torch.gather(solids.halves, 1, index.expand(b, p, 3))
    offset = points.mT - torch.gather(solids.centers, 1, index.expand(b, p, 3))
    local = (torch.einsum("bpji,bpj->bpi", rotation, offset) / half).mT
    kinds = torch.tensor(solids.kinds, device=points.device)[hits.slot]
    normal_local = local_normal(kinds, local)
    normal = torch.einsum("bpij,bpj->bpi", rotation, normal_local.mT / half).mT
    return normal / normal.norm(dim=1, keepdim=True).clamp(min=1e-12), local, normal_local
