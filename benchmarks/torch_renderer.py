"""The vectorised pure-torch renderer that benchmarks/renderer.py measures ours against: the same rules, no kernel.

It lists every (Gaussian, pixel) pair, sorts the pairs by pixel, and blends with one segmented cumulative sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vistadream.core import Camera, Gaussians


def project(gaussians: Gaussians, camera: Camera) -> tuple[Tensor, Tensor, Tensor]:
    """Screen centres (n 2), blurred screen covariances (n 2 2) and depths (n)."""
    R, t = camera.cam_from_world[:3, :3], camera.cam_from_world[:3, 3]
    x, y, z = (gaussians.means @ R.T + t).unbind(-1)
    w, i, j, k = torch.nn.functional.normalize(gaussians.quats_wxyz, dim=-1).unbind(-1)
    rotation = torch.stack(
        [
            *(1 - 2 * (j * j + k * k), 2 * (i * j - w * k), 2 * (i * k + w * j)),
            *(2 * (i * j + w * k), 1 - 2 * (i * i + k * k), 2 * (j * k - w * i)),
            *(2 * (i * k - w * j), 2 * (j * k + w * i), 1 - 2 * (i * i + j * j)),
        ],
        -1,
    ).view(-1, 3, 3)
    fx, fy, cx, cy, width, height = camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height
    slope_x = (x / z).clamp((-0.15 * width - cx) / fx, (1.15 * width - cx) / fx)
    slope_y = (y / z).clamp((-0.15 * height - cy) / fy, (1.15 * height - cy) / fy)
    zero = torch.zeros_like(z)
    jacobian = torch.stack([fx / z, zero, -fx * slope_x / z, zero, fy / z, -fy * slope_y / z], -1).view(-1, 2, 3)
    axes = jacobian @ R @ (rotation * gaussians.scales[:, None, :])
    covariances = axes @ axes.mT + 0.3 * torch.eye(2)
    return torch.stack([fx * x / z + cx, fy * y / z + cy], -1), covariances, z


@torch.no_grad()
def pairs(
    centers: Tensor, covariances: Tensor, z: Tensor, opacities: Tensor, camera: Camera
) -> tuple[Tensor, Tensor, Tensor]:
    """Gaussian, column and row of every pair that may blend, front to back."""
    order = z.argsort(stable=True)
    order = order[(z[order] > 0.01) & (opacities[order] > 1 / 255)]
    reach2 = 2 * torch.log(255 * opacities[order])[:, None] * covariances[order].diagonal(dim1=-2, dim2=-1)
    size = torch.tensor([camera.width, camera.height])
    low = (centers[order] - reach2.sqrt() - 0.5).ceil().clamp_min(0).long()
    high = torch.minimum((centers[order] + reach2.sqrt() + 0.5).floor().long(), size)
    extent = (high - low).clamp_min(0)
    counts = extent.prod(-1)
    splat = torch.arange(len(order)).repeat_interleave(counts)
    within = torch.arange(len(splat)) - (counts.cumsum(0) - counts)[splat]
    u, v = low[splat, 0] + within % extent[splat, 0], low[splat, 1] + within // extent[splat, 0]
    return order[splat], u, v


def render(gaussians: Gaussians, camera: Camera) -> tuple[Tensor, Tensor, Tensor, int]:
    """rgb (h w 3), expected z (h w), alpha (h w), and how many pairs were blended."""
    centers, covariances, z = project(gaussians, camera)
    xx, xy, yy = covariances[:, 0, 0], covariances[:, 0, 1], covariances[:, 1, 1]
    det = xx * yy - xy * xy
    g, u, v = pairs(centers, covariances, z, gaussians.opacities, camera)
    dx, dy = (u + 0.5 - centers[g, 0]), (v + 0.5 - centers[g, 1])
    sigma = 0.5 * (yy[g] * dx * dx - 2 * xy[g] * dx * dy + xx[g] * dy * dy) / det[g]
    alpha = (gaussians.opacities[g] * torch.exp(-sigma)).clamp_max(0.999)
    kept = torch.nonzero(alpha.detach() >= 1 / 255)[:, 0]
    pixel = v[kept] * camera.width + u[kept]
    kept = kept[pixel.argsort(stable=True)]
    g, alpha, pixel = g[kept], alpha[kept], v[kept] * camera.width + u[kept]
    logs = torch.log1p(-alpha).double()
    upto = logs.cumsum(0)
    first = torch.searchsorted(pixel, torch.arange(camera.width * camera.height))[pixel]
    before = torch.exp(upto - logs - (upto - logs)[first]).float()
    weight = torch.where(before * (1 - alpha) > 1e-4, alpha * before, 0.0)
    channels = torch.cat([gaussians.colors, z[:, None], torch.ones_like(z)[:, None]], -1)
    image = torch.zeros(camera.height * camera.width, 5).index_add(0, pixel, weight[:, None] * channels[g])
    image = image.view(camera.height, camera.width, 5)
    depth = image[..., 3] / image[..., 4].clamp_min(1e-10)
    return image[..., :3], depth, image[..., 4], int((weight > 0).sum())
