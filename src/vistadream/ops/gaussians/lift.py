"""Lifting: the pixels of a View become Gaussians on the surface that they show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, Gaussians, View
from vistadream.core.knobs import SHARE, check_ranges
from vistadream.ops.depth.edges import relative_depth_edges
from vistadream.ops.depth.normals import normals_from_depth
from vistadream.ops.gaussians.even_squares import EvenSquares
from vistadream.ops.gaussians.rotation import quats_from_rotations


@dataclass(frozen=True)
class Lifting:
    """The Gaussians that pixels become, of the same shape in all stages, so that no seam shows between them."""

    sigma_px: float
    """Standard deviation in pixels."""
    thickness: float
    """Third axis as a share of the smaller in-plane axis. It is where the fit starts, and the fit may change it."""
    even: float
    """Four painted pixels become one Gaussian where that changes colors by less than this.

    It is a root mean square, of colors from 0 to 1. 0: one Gaussian for every pixel."""

    def __post_init__(self) -> None:
        check_ranges(self, sigma_px=(0.01, 100), thickness=(0.001, 100), even=SHARE)

    def __call__(self, view: View) -> Gaussians:
        """A Gaussian for every pixel of `view.lift`, or for four of them. ValueError when the View has no depth."""
        return lift_view(view, self.sigma_px, self.thickness, self.even)


def lift(
    camera: Camera,
    rgb: Float[Tensor, "h w 3"],
    z: Float[Tensor, "h w"],
    normals: Float[Tensor, "h w 3"],
    flat: Bool[Tensor, "h w"],
    pixels: Bool[Tensor, "h w"],
    *,
    sigma_px: float = 0.55,
    thickness: float = 0.5,
    opacity: float = 0.95,
    max_stretch: float = 10.0,
) -> Gaussians:
    """One Gaussian for every pixel of `pixels`; its footprint is that of the pixel.

    Where `flat`, it is on the tangent plane of `normals` (unit, camera axes, facing the camera): a surface through
    P = z r with normal n has dP/du = z/f (e_x - r n_x / (n . r)), where r is the ray scaled to z = 1. The in-plane
    covariance of the Gaussian is sigma_px^2 (P_u P_u^T + P_v P_v^T); its third axis is `thickness` times the smaller
    standard deviation in the plane. Elsewhere it faces the camera. On grazing surfaces it is stretched by at most
    `max_stretch`. Raises ValueError when a lifted pixel has no positive finite z.
    """
    # The normal of each pixel, turned towards the camera where the surface is grazing or not flat.
    r, n, depth = camera.rays(z.device)[pixels], normals[pixels], z[pixels]
    if not bool((torch.isfinite(depth) & (depth > 0)).all()):
        raise ValueError("lift: a pixel to be lifted has no positive finite z; wanted depth for each")
    toward_camera = -torch.nn.functional.normalize(r, dim=-1)
    n = torch.where(flat[pixels][:, None], n, toward_camera)
    n = _limit_grazing(n, toward_camera, max_stretch)
    # The footprint of the pixel on the tangent plane, as two axes and their standard deviations.
    tangents = _pixel_tangents(camera, r, n, depth) * sigma_px
    rotation, in_plane = _principal_axes(tangents, n)
    third = thickness * in_plane.min(dim=-1, keepdim=True).values
    pose = camera.to(z.device).world_from_cam
    return Gaussians(
        means=(r * depth[:, None]) @ pose[:3, :3].T + pose[:3, 3],
        quats_wxyz=quats_from_rotations(pose[:3, :3] @ rotation),
        scales=torch.cat([in_plane, third], dim=-1),
        opacities=torch.full_like(depth, opacity),
        colors=rgb[pixels].clone(),
    )


def _limit_grazing(n: Tensor, toward_camera: Tensor, max_stretch: float) -> Tensor:
    """Turns normals towards the camera until 1 / cos of the viewing angle is at most max_stretch."""
    cos = (n * toward_camera).sum(-1, keepdim=True)
    floor = 1.0 / max_stretch
    side = torch.nn.functional.normalize(n - cos * toward_camera, dim=-1)
    limited = floor * toward_camera + (1 - floor**2) ** 0.5 * side
    return torch.where(cos < floor, limited, n)


def _pixel_tangents(camera: Camera, r: Tensor, n: Tensor, depth: Tensor) -> Tensor:
    """dP/du and dP/dv, "m 3 2", on the tangent plane at each pixel."""
    n_dot_r = (n * r).sum(-1, keepdim=True)
    axes = torch.eye(3, dtype=r.dtype, device=r.device)[:2]
    columns = [
        depth[:, None] / focal * (axis - r * n[:, i : i + 1] / n_dot_r)
        for i, (axis, focal) in enumerate(zip(axes, (camera.fx, camera.fy), strict=True))
    ]
    return torch.stack(columns, dim=-1)


def _principal_axes(tangents: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations "m 3 3" (two principal axes in the plane, then n) and the two standard deviations of T T^T."""
    # The covariance in an orthonormal basis of the plane.
    first = torch.nn.functional.normalize(tangents[..., 0], dim=-1)
    basis = torch.stack([first, torch.cross(n, first, dim=-1)], dim=-1)
    flat = basis.transpose(1, 2) @ tangents
    cov = flat @ flat.transpose(1, 2)
    a, b, c = cov[:, 0, 0], cov[:, 0, 1], cov[:, 1, 1]
    # Its eigenvectors and eigenvalues in closed form.
    angle = 0.5 * torch.atan2(2 * b, a - c)
    mean, radius = (a + c) / 2, torch.sqrt(((a - c) / 2) ** 2 + b**2)
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    rotation = torch.cat([basis @ turn, n[..., None]], dim=-1)
    variances = torch.stack([mean + radius, (mean - radius).clamp_min(1e-6 * mean)], dim=-1)
    return rotation, torch.sqrt(variances)


def lift_view(view: View, sigma_px: float, thickness: float, even: float = 0.0) -> Gaussians:
    """Gaussians for the `lift` pixels of a View with depth: on the tangent plane, or facing the camera at depth edges.

    Squares of painted pixels whose colors differ by less than `even` become one Gaussian each, which come last. Raises
    ValueError when the View has no depth.
    """
    z, valid = view.depth, view.depth > 0
    normals, has_normal = normals_from_depth(view.camera, z, valid)
    flat = has_normal & ~relative_depth_edges(z, valid)
    shaped = partial(lift, sigma_px=sigma_px, thickness=thickness)
    if not even:
        return shaped(view.camera, view.rgb, z, normals, flat, view.lift)
    squares = EvenSquares.of(view, flat, even)
    single = shaped(view.camera, view.rgb, z, normals, flat, view.lift & ~squares.pixels)
    large = shaped(squares.camera, *squares.means(view.rgb, z, normals), squares.chosen, squares.chosen)
    return Gaussians.concat(single, large)
