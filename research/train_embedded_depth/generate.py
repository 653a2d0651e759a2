"""Samples: pictures of generated worlds with their true depth, normals and sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from numpy.random import Generator, default_rng
from torch import Tensor

from train_embedded_depth import cameras
from train_embedded_depth.cameras import Lens
from train_embedded_depth.kinds import Kind
from train_embedded_depth.light import Lights, Sky, develop, haze, openness
from train_embedded_depth.looks import look
from train_embedded_depth.optics import defocus
from train_embedded_depth.solids import Hits, Solids, cast, surface
from train_embedded_depth.terrain import Terrain
from train_embedded_depth.textures import TextureBank
from train_embedded_depth.world import batch

FAR_M = 1e3
"""What is farther counts as sky."""


@dataclass(frozen=True, eq=False)
class Samples:
    """b pictures with their truth."""

    rgb: Float[Tensor, "b 3 h w"]
    """sRGB in [0, 1]."""
    z: Float[Tensor, "b h w"]
    """Camera-space z in metres; FAR_M in the sky."""
    normal: Float[Tensor, "b 3 h w"]
    """Unit, in OpenCV camera axes, facing the camera; 0 in the sky."""
    sky: Bool[Tensor, "b h w"]
    part: Int[Tensor, "b h w"]
    """Which solid is seen, so that each can be painted anew."""
    lens: Lens


@torch.no_grad()
def generate(kind: Kind, seed: int, count: int, size: tuple[int, int], bank: TextureBank) -> Samples:
    """`count` pictures of one kind, (height, width) in size, that the seed alone decides."""
    rng = default_rng(seed)
    height, width = size
    worlds, poses = [], []
    for _ in range(count):
        world, reach = kind.build(rng)
        worlds.append(world)
        poses.append(kind.aim(rng, world, reach))
    lens = Lens.draw(rng, count, height / width, kind.fov_deg)
    rays_cam = lens.rays(height, width)
    rotation = cameras.world_from_cam(poses)
    eyes = torch.from_numpy(np.stack([pose.eye for pose in poses]).astype(np.float32))[..., None]
    cosine = (1 / rays_cam.norm(dim=1)).amin(1).numpy()
    solids, looks = batch(worlds, eyes[..., 0].numpy(), rotation[..., 2].numpy(), cosine)
    terrain = Terrain.draw(rng, count) if kind.hilly else None
    return _picture(
        Stage(rng, solids, looks, terrain, bank, kind.inside, kind.shallow), eyes, rotation, rays_cam, lens, size
    )


@dataclass(frozen=True, eq=False)
class Stage:
    """All that a batch of cameras may see."""

    rng: Generator
    solids: Solids
    looks: Float[Tensor, "b n 7"]
    terrain: Terrain | None
    bank: TextureBank
    inside: bool
    shallow: bool


@dataclass(frozen=True, eq=False)
class Seen:
    """What the rays of a batch met."""

    points: Float[Tensor, "b 3 p"]
    normal: Float[Tensor, "b 3 p"]
    uv_m: Float[Tensor, "b p 2"]
    """Coordinates along the surface in metres."""
    uv_face: Float[Tensor, "b p 2"]
    """The same in shares of the face."""
    look: Float[Tensor, "b p 7"]
    t: Float[Tensor, "b p"]
    part: Int[Tensor, "b p"]


def meet(stage: Stage, eyes: Tensor, rays: Tensor) -> Seen:
    """The nearest surface along each ray, facing it."""
    hits = cast(stage.solids, eyes, rays)
    points = eyes + rays * torch.where(hits.t < FAR_M, hits.t, 1.0)[:, None]
    normal, local, local_normal = surface(stage.solids, hits, points)
    index = hits.slot[..., None]
    look_rows = torch.gather(stage.looks, 1, index.expand(-1, -1, 7))
    half = torch.gather(stage.solids.halves, 1, index.expand(-1, -1, 3)).mT
    uv_face, uv_m = _uv(local, local_normal, torch.ones_like(half)) / 2 + 0.5, _uv(local, local_normal, half)
    seen = Seen(points, normal, uv_m, uv_face, look_rows, hits.t, hits.slot)
    seen = _with_land(stage, seen, hits, eyes, rays) if stage.terrain else seen
    facing = torch.where(((seen.normal * rays).sum(1) > 0)[:, None], -seen.normal, seen.normal)
    return Seen(seen.points, facing, seen.uv_m, seen.uv_face, seen.look, seen.t, seen.part)


def _uv(local: Tensor, normal: Tensor, half: Tensor) -> Float[Tensor, "b p 2"]:
    """The two local coordinates across the dominant axis of the normal, scaled; the vertical one runs down."""
    x, y, z = (local * half).unbind(1)
    axis = normal.abs().argmax(1)
    u = torch.where(axis == 0, z, x)
    v = torch.where(axis == 1, z, y)
    return torch.stack([u, -v], -1)


def _with_land(stage: Stage, seen: Seen, hits: Hits, eyes: Tensor, rays: Tensor) -> Seen:
    """Land where it comes before every solid."""
    t = stage.terrain.cast(eyes, rays)
    nearer = t < hits.t
    points = eyes + rays * torch.where(t < FAR_M, t, 1.0)[:, None]
    normal = stage.terrain.normal(points[:, 0], points[:, 2])
    paints = [look(stage.rng, "land", "land", "foliage", "noise", tile_m=10.0).row() for _ in range(len(rays))]
    paint = torch.tensor(paints)[:, None]
    uv = torch.stack([points[:, 0], points[:, 2]], -1)
    here, at = nearer[:, None], nearer[..., None]
    return Seen(
        torch.where(here, points, seen.points),
        torch.where(here, normal, seen.normal),
        torch.where(at, uv, seen.uv_m),
        torch.where(at, uv, seen.uv_face),
        torch.where(at, paint, seen.look),
        torch.where(nearer, t, hits.t),
        torch.where(nearer, len(stage.solids.kinds), hits.slot),
    )


def _picture(
    stage: Stage, eyes: Tensor, rotation: Tensor, rays_cam: Tensor, lens: Lens, size: tuple[int, int]
) -> Samples:
    """Casts, lights and develops a batch."""
    rays = torch.bmm(rotation, rays_cam)
    seen = meet(stage, eyes, rays)
    sky = ~(seen.t < FAR_M)
    z = torch.where(sky, FAR_M, seen.t)
    linear = _shade(stage, eyes, rays, seen, z, size, lens)
    b, (height, width) = len(z), size
    normal = torch.bmm(rotation.mT, seen.normal) * ~sky[:, None]

    def grid(x: Tensor) -> Tensor:
        return x.reshape(b, *x.shape[1:-1], height, width)

    light = defocus(grid(linear), grid(z), stage.rng) if stage.shallow else grid(linear)
    rgb = develop(light, stage.rng)
    return Samples(rgb, grid(z), grid(normal), grid(sky), grid(seen.part), lens)


def _shade(
    stage: Stage, eyes: Tensor, rays: Tensor, seen: Seen, z: Tensor, size: tuple[int, int], lens: Lens
) -> Float[Tensor, "b 3 p"]:
    """Linear colours."""
    lights = Lights.draw(stage.rng, eyes[..., 0].numpy(), stage.inside)
    air = Sky.draw(stage.rng, len(z))
    albedo, glow, gloss = material(stage, seen, rays, size, lens)
    above = seen.points + 0.01 * seen.normal
    shadow = shadow_of(stage.solids, above, lights.towards_key(above), size)
    open_share = openness(z.reshape(len(z), *size)).flatten(1)
    color = albedo * (lights.irradiance(seen.points, seen.normal, shadow, open_share) + 2 * glow)
    mirrored = rays - 2 * (rays * seen.normal).sum(1, keepdim=True) * seen.normal
    color = torch.lerp(color, air.radiance(stage.bank, mirrored), gloss)
    color = torch.where((z >= FAR_M)[:, None], air.radiance(stage.bank, rays), color)
    return haze(color, z, stage.rng, 40.0 if stage.inside else 200.0)


def shadow_of(
    solids: Solids, points: Tensor, towards: Tensor, size: tuple[int, int], every: int = 2
) -> Float[Tensor, "b p"]:
    """How far the key light is hidden; cast for some of the rows and columns only, which softens its rims."""
    some = [x.reshape(len(x), 3, *size)[:, :, ::every, ::every] for x in (points, towards)]
    hidden = (cast(solids, *(x.flatten(2) for x in some)).t < 1).float()
    return F.interpolate(hidden.reshape(len(points), 1, *some[0].shape[2:]), size, mode="bilinear").flatten(1)


def material(
    stage: Stage, seen: Seen, rays: Tensor, size: tuple[int, int], lens: Lens
) -> tuple[Float[Tensor, "b 3 p"], Float[Tensor, "b 1 p"], Float[Tensor, "b 1 p"]]:
    """Albedo, glow and gloss of what is seen."""
    texture, tile_m = seen.look[..., 0].long(), seen.look[..., 1]
    stretched = tile_m == 0
    uv = torch.where(stretched[..., None], seen.uv_face, seen.uv_m / tile_m.clamp(min=1e-3)[..., None])
    slant = ((rays * seen.normal).sum(1).abs() / rays.norm(dim=1)).clamp(min=0.1)
    pixel_m = torch.where(seen.t < FAR_M, seen.t, FAR_M) / (size[1] * lens.focal[:, None]) / slant.sqrt()
    footprint = pixel_m / torch.where(stretched, 1.0, tile_m)
    albedo = stage.bank.sample(texture, uv, footprint).mT * seen.look[..., 2:5].mT
    return albedo, seen.look[..., 5][:, None], seen.look[..., 6][:, None]
